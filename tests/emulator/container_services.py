"""A small web application as an image, and a template with a service that runs it."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from operations.images import oci, registry
from tests.emulator.load_balancers import VPC, subnets
from tests.emulator.own_emulator import wait_until
from tests.emulator.templates import att, ref, resource, template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.emulator_server import Aws

ELB = "AWS::ElasticLoadBalancingV2"
REPOSITORY, CLUSTER, NAME, PORT = "shop", "shop", "web", 4567
DOCKERFILE = """\
FROM python@sha256:0
WORKDIR /app
COPY . .
ENV COLOR={color}
CMD ["python3", "server.py"]
"""
SERVER = '''\
"""Respond with the environment of the container; MODE selects a fault."""
import json, os, signal, sys, threading, time, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODE = os.environ.get("MODE", "")
continued = threading.Event()


def credentials():
    request = urllib.request.Request(
        os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"],
        headers={"Authorization": os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]},
    )
    return json.load(urllib.request.urlopen(request))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/health":
            return self.answer(500 if MODE == "unhealthy" else 200, {})
        if path == "/environment":
            return self.answer(200, dict(os.environ))
        if path == "/credentials":
            return self.answer(200, credentials())
        if path == "/slow":
            time.sleep(float(query))
        if path == "/exit":
            print("exits with 3", flush=True)
            os._exit(3)
        if path == "/stream":
            return self.stream()
        if path == "/continue":
            continued.set()
            return self.answer(200, {})
        if path == "/otlp":
            request = urllib.request.Request("http://127.0.0.1:4318/v1/traces", data=b"x")
            return self.answer(urllib.request.urlopen(request).status, {})
        self.answer(200, {"color": os.environ["COLOR"], "path": self.path, "pid": os.getpid(),
                          "client": self.client_address, "headers": dict(self.headers)})

    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(200, {"body": body.decode(), "path": self.path})

    def stream(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for text in ("first", "second"):
            self.wfile.write(b"%x\\r\\n%s\\r\\n" % (len(text), text.encode()))
            continued.wait(60)
        self.wfile.write(b"0\\r\\n\\r\\n")

    def answer(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def stop(*_):
    if MODE == "stubborn":
        print("ignores SIGTERM", flush=True)
        return
    print("got SIGTERM", flush=True)
    threading.Thread(target=server.shutdown).start()


signal.signal(signal.SIGTERM, stop)
if MODE == "broken":
    print("cannot start", flush=True)
    sys.exit(7)
server = ThreadingHTTPServer(("0.0.0.0", 4567), Handler)
print("listens, color", os.environ["COLOR"], "secret", os.environ.get("TOKEN"), flush=True)
server.serve_forever()
print("ends", flush=True)
'''


def image(color: str = "red", **more: str) -> oci.Image:
    """Return an image of the application with a *color*; *more* are files by name."""
    files = {"Dockerfile": DOCKERFILE.format(color=color), "server.py": SERVER, **more}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder, "shop", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return oci.build(Path(folder), "shop")


def push(aws: Aws, built: oci.Image, repository: str = REPOSITORY) -> str:
    """Push an image, create the repository if it is missing, and return the image's URI."""
    ecr = aws.client("ecr")
    names = {found["repositoryName"] for found in ecr.describe_repositories()["repositories"]}
    if repository not in names:
        ecr.create_repository(repositoryName=repository)
    registry.upload(ecr, repository, built, tag=built.digest[7:19])
    host = f"{aws.endpoint.account}.dkr.ecr.ca-central-1.amazonaws.com"
    return f"{host}/{repository}@{built.digest}"


def role(*statements: dict[str, Any]) -> dict[str, Any]:
    """Return a role for ECS tasks with these statements."""
    trust = {"Service": "ecs-tasks.amazonaws.com"}
    trust_statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": trust}
    policy = {"PolicyName": "own", "PolicyDocument": document(*statements)}
    return resource(
        "AWS::IAM::Role",
        AssumeRolePolicyDocument=document(trust_statement),
        Policies=[policy] if statements else [],
    )


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    """Return a policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(*actions: str, on: Any = "*") -> dict[str, Any]:
    """Return a statement that allows *actions*."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": on}


EXECUTION_ACTIONS = (
    "ecr:GetAuthorizationToken",
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "ssm:GetParameters",
)


@dataclass(frozen=True)
class Settings:
    """The settings that differ between the services of tests.

    *execution* has the actions of the execution role.
    """

    image: str
    count: int = 1
    mode: str = ""
    execution: tuple[str, ...] = EXECUTION_ACTIONS
    container: dict[str, Any] = field(default_factory=dict)
    task_statements: tuple[dict[str, Any], ...] = ()
    has_load_balancer: bool = False


def service(settings: Settings) -> dict[str, Any]:
    """Return a template with a service of *settings*."""
    container = {
        "Name": NAME,
        "Image": settings.image,
        "Environment": [{"Name": "MODE", "Value": settings.mode}],
        "PortMappings": [{"ContainerPort": PORT}],
        "StopTimeout": 2,
        "LogConfiguration": {
            "LogDriver": "awslogs",
            "Options": {
                "awslogs-group": ref("Log"),
                "awslogs-region": "ca-central-1",
                "awslogs-stream-prefix": "web",
            },
        },
        **settings.container,
    }
    breaker = {"Enable": True, "Rollback": True}
    target = {"ContainerName": NAME, "ContainerPort": PORT, "TargetGroupArn": ref("Group")}
    return template(
        Cluster=resource("AWS::ECS::Cluster", ClusterName=CLUSTER),
        Log=resource("AWS::Logs::LogGroup", LogGroupName="shop"),
        Execution=role(allow(*settings.execution)),
        Role=role(*settings.task_statements),
        Task=resource(
            "AWS::ECS::TaskDefinition",
            Family="web",
            NetworkMode="awsvpc",
            ExecutionRoleArn=att("Execution", "Arn"),
            TaskRoleArn=att("Role", "Arn"),
            ContainerDefinitions=[container],
        ),
        Service=resource(
            "AWS::ECS::Service",
            ServiceName=NAME,
            Cluster=ref("Cluster"),
            TaskDefinition=ref("Task"),
            DesiredCount=settings.count,
            DeploymentConfiguration={
                "MinimumHealthyPercent": 100,
                "MaximumPercent": 200,
                "DeploymentCircuitBreaker": breaker,
            },
            **({"LoadBalancers": [target]} if settings.has_load_balancer else {}),
        )
        | ({"DependsOn": "Listener"} if settings.has_load_balancer else {}),
        **(_load_balancer() if settings.has_load_balancer else {}),
    ) | (
        {"Outputs": {"Dns": {"Value": att("Balancer", "DNSName")}}}
        if settings.has_load_balancer
        else {}
    )


def _load_balancer() -> dict[str, Any]:
    return {
        "Vpc": VPC,
        **subnets(),
        "Balancer": resource(f"{ELB}::LoadBalancer", Subnets=[ref("Subnet0"), ref("Subnet1")]),
        "Group": resource(
            f"{ELB}::TargetGroup",
            TargetType="ip",
            VpcId=ref("Vpc"),
            Port=PORT,
            Protocol="HTTP",
            HealthCheckPath="/health",
            HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2,
            UnhealthyThresholdCount=2,
        ),
        "Listener": resource(
            f"{ELB}::Listener",
            LoadBalancerArn=ref("Balancer"),
            Port=80,
            Protocol="HTTP",
            DefaultActions=[{"Type": "forward", "TargetGroupArn": ref("Group")}],
        ),
    }


@dataclass(frozen=True)
class Shop:
    """The service of an account."""

    aws: Aws

    @property
    def service(self) -> dict[str, Any]:
        """The description of the service."""
        ecs = self.aws.client("ecs")
        found: dict[str, Any] = ecs.describe_services(cluster=CLUSTER, services=[NAME])["services"][
            0
        ]
        return found

    @property
    def events(self) -> list[str]:
        """The messages of the events of the service, oldest first."""
        return [event["message"] for event in reversed(self.service["events"])]

    def tasks(self, status: str = "RUNNING") -> list[dict[str, Any]]:
        """Return the tasks with a desired status, except tasks that are still stopping."""
        ecs = self.aws.client("ecs")
        arns = ecs.list_tasks(cluster=CLUSTER, desiredStatus=status)["taskArns"]
        found = ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"] if arns else []
        ended = [task for task in found if status == "RUNNING" or task["lastStatus"] == status]
        return sorted(ended, key=lambda task: task["createdAt"])

    def wait_for(self, condition: Callable[[Shop], Any], *, seconds: float = 60) -> None:
        """Wait until *condition* holds."""
        wait_until(lambda: condition(self), seconds=seconds)

    def log(self) -> list[str]:
        """Return the lines of the log."""
        events = self.aws.client("logs").filter_log_events(logGroupName="shop")["events"]
        return [event["message"] for event in events]

    def update(self, **changes: Any) -> dict[str, Any]:
        """Change the service."""
        ecs = self.aws.client("ecs")
        updated: dict[str, Any] = ecs.update_service(cluster=CLUSTER, service=NAME, **changes)
        return updated["service"]

    def register(self, image_uri: str, mode: str = "", **container: Any) -> str:
        """Register a copy of the task definition with another image; return its ARN."""
        ecs = self.aws.client("ecs")
        found = ecs.describe_task_definition(taskDefinition="web")["taskDefinition"]
        [definition] = found["containerDefinitions"]
        definition |= {"image": image_uri, "environment": [{"name": "MODE", "value": mode}]}
        copied = ("family", "networkMode", "executionRoleArn", "taskRoleArn")
        registered = ecs.register_task_definition(
            **{name: found[name] for name in copied},
            containerDefinitions=[definition | container],
        )
        return str(registered["taskDefinition"]["taskDefinitionArn"])


def is_steady(shop: Shop) -> bool:
    """Return whether exactly the desired tasks run, in one complete deployment."""
    service = shop.service
    [state, *others] = [deployment["rolloutState"] for deployment in service["deployments"]]
    counts = service["runningCount"] == service["desiredCount"] and not service["pendingCount"]
    return state == "COMPLETED" and not others and counts


def deploy(aws: Aws, settings: Settings) -> dict[str, Any]:
    """Deploy the stack of a service, and return the stack."""
    return aws.deploy("shop", service(settings), Capabilities=["CAPABILITY_IAM"])


def processes_of(folder: Path) -> set[int]:
    """Return the ids of the processes of tasks, and of their children, of the emulator in *folder*."""
    ran = subprocess.run(
        ["ps", "-axww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(maxsplit=2) for line in ran.stdout.splitlines()]
    found = {int(pid) for pid, _, *args in rows if f"{folder}/images/" in "".join(args)}
    while more := {int(pid) for pid, parent, *_ in rows if int(parent) in found} - found:
        found |= more
    return found


@pytest.fixture(autouse=True)
def stopped_service(aws: Aws) -> Iterator[None]:
    """Stop the tasks of the service after a test, because the server runs until the last test."""
    yield
    with contextlib.suppress(ClientError):
        Shop(aws).update(desiredCount=0)
