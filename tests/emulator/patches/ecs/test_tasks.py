"""ECS tasks as processes: their lifecycle, credentials and health, and service deployments."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

import emulator
from deployer.artifacts import environments
from deployer.errors import BuildError
from deployer.isolation import sandbox
from emulator.patches.ecs import tasks as patch
from tests.emulator.container_services import (
    CLUSTER,
    EXECUTION_ACTIONS,
    SERVER,
    Settings,
    Shop,
    allow,
    deploy,
    image,
    is_steady,
    processes_of,
    push,
    stopped_service,
)
from tests.emulator.own_emulator import OwnEmulator, wait_until

__all__ = ["stopped_service"]

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulator_server import Aws

SECRET = "/shop/TOKEN"


def get(shop: Shop, path: str) -> Any:
    """Return the status and the content of a response through the load balancer."""
    connection = HTTPConnection(shop.aws.endpoint.url.removeprefix("http://"), timeout=60)
    connection.request("GET", path, headers={"Host": shop.aws.outputs("shop")["Dns"]})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    is_json = body[:1] in {b"{", b"["}
    return response.status, json.loads(body) if is_json else body.decode()


def started(aws: Aws, settings: Settings | None = None, **changes: Any) -> Shop:
    """Deploy a service, by default with the red image, and return the service when it is steady."""
    final_settings = replace(settings or Settings(push(aws, image())), **changes)
    stack = deploy(aws, final_settings)
    assert stack["StackStatus"] == "CREATE_COMPLETE", aws.events("shop")
    return Shop(aws)


def test_life_of_a_task(aws: Aws) -> None:
    """A task has the environment and the secrets of its definition, and its output is in the log.

    AWS: ECS developer guide, Amazon ECS task lifecycle.
    """
    aws.client("ssm").put_parameter(Name=SECRET, Value="s3cret", Type="SecureString")
    secret = f"arn:aws:ssm:ca-central-1:{aws.endpoint.account}:parameter{SECRET}"
    container = {"Secrets": [{"Name": "TOKEN", "ValueFrom": secret}]}

    shop = started(aws, container=container, has_load_balancer=True)
    [running] = shop.tasks()
    _, environment = get(shop, "/environment")
    status, content = get(shop, "/a%20b?c=%2F")
    get_exit = threading.Thread(target=get, args=(shop, "/exit"))
    get_exit.start()
    shop.wait_for(lambda shop: shop.tasks("STOPPED"))
    shop.wait_for(is_steady)
    get_exit.join()
    [stopped] = shop.tasks("STOPPED")

    assert (running["lastStatus"], running["healthStatus"]) != ("RUNNING", "HEALTHY")
    assert (
        environment["TOKEN"],
        environment["COLOR"],
        environment["AWS_EXECUTION_ENV"],
    ) == ("s3cret", "red", "AWS_ECS_FARGATE")
    assert {name for name in environment if name.startswith("AWS_")} == {
        "AWS_CONFIG_FILE",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_ENDPOINT_URL",
        "AWS_EXECUTION_ENV",
        "AWS_REGION",
        "AWS_SHARED_CREDENTIALS_FILE",
    }
    assert (status, content["path"]) == (200, "/a%20b?c=%2F")
    assert (
        stopped["lastStatus"],
        stopped["stopCode"],
        stopped["stoppedReason"],
        stopped["containers"][0]["exitCode"],
    ) == ("STOPPED", "EssentialContainerExited", "Essential container in task exited", 3)
    assert shop.log()[:2] == ["listens, color red secret s3cret", "exits with 3"]
    task = running["taskArn"].rpartition("/")[2]
    streams = aws.client("logs").describe_log_streams(logGroupName="shop")["logStreams"]
    assert f"web/web/{task}" in {stream["logStreamName"] for stream in streams}
    texts = [event.removeprefix("(service web) ") for event in shop.events]
    assert texts[0] == f"has started 1 tasks: (task {task})."
    assert texts[1].startswith("registered 1 targets in (target-group arn:aws:elasticload")
    assert (
        texts[2].partition(") ")[2],
        texts[3],
    ) == ("deployment completed.", "has reached a steady state.")


def test_credentials(aws: Aws) -> None:
    """A task has the permissions of its role and no others, until it stops.

    AWS: ECS developer guide, Amazon ECS task IAM role.
    """
    read = allow("ssm:GetParameter", on="*")
    shop = started(aws, task_statements=(read,), has_load_balancer=True)
    _, found = get(shop, "/credentials")
    keys = {
        "aws_access_key_id": found["AccessKeyId"],
        "aws_secret_access_key": found["SecretAccessKey"],
        "aws_session_token": found["Token"],
    }
    aws.client("ssm").put_parameter(Name="/x", Value="1", Type="String")
    ssm, sts = (emulator_client(aws, name, keys) for name in ("ssm", "sts"))
    _, environment = get(shop, "/environment")
    url = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
    identity = sts.get_caller_identity()["Arn"]
    value = ssm.get_parameter(Name="/x")["Parameter"]["Value"]

    with pytest.raises(ClientError, match="AccessDenied"):
        ssm.put_parameter(Name="/x", Value="2", Type="String", Overwrite=True)
    refused = {token: _status(url, token) for token in ("", "wrong")}
    shop.update(desiredCount=0)
    shop.wait_for(lambda shop: shop.tasks("STOPPED"))
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        ssm.get_parameter(Name="/x")

    [task] = shop.tasks("STOPPED")
    assert task["taskArn"].rpartition("/")[2] == identity.rpartition("/")[2]
    assert ":assumed-role/shop-Role" in identity
    assert value == "1"
    assert refused == {"": 403, "wrong": 403}
    assert _status(url, environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"]) == 403


def emulator_client(aws: Aws, name: str, keys: dict[str, str]) -> Any:
    """Return a client with other *keys*."""
    session = boto3.Session(region_name="ca-central-1", **keys)
    return session.client(name, endpoint_url=aws.endpoint.url)


def _status(url: str, token: str) -> int:
    host, _, path = url.removeprefix("http://").partition("/")
    connection = HTTPConnection(host)
    connection.request("GET", f"/{path}", headers={"Authorization": token} if token else {})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize(
    "action", [action for action in EXECUTION_ACTIONS if "Upload" not in action]
)
def test_execution_role(aws: Aws, action: str) -> None:
    """A task does not start if its execution role lacks one of the permissions that ECS needs.

    AWS: ECS developer guide, Amazon ECS task execution IAM role.
    """
    aws.client("ssm").put_parameter(Name=SECRET, Value="s3cret", Type="SecureString")
    secret = f"arn:aws:ssm:ca-central-1:{aws.endpoint.account}:parameter{SECRET}"
    container = {"Secrets": [{"Name": "TOKEN", "ValueFrom": secret}]}
    kept = tuple(other for other in EXECUTION_ACTIONS if other != action)
    deploy(aws, Settings(push(aws, image()), count=0, execution=kept, container=container))

    aws.client("ecs").run_task(cluster=CLUSTER, taskDefinition="web")
    wait_until(lambda: Shop(aws).tasks("STOPPED"))

    [task] = Shop(aws).tasks("STOPPED")
    assert task["stopCode"] == "TaskFailedToStart"
    assert f"is not authorized to perform: {action} on resource" in task["stoppedReason"]
    assert Shop(aws).log() == []


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("public.ecr.aws/x/y:1", "CannotPullContainerError: "),
        ("{host}/shop@sha256:" + "0" * 64, "CannotPullContainerError: "),
    ],
)
def test_missing_image(aws: Aws, uri: str, reason: str) -> None:
    """A task whose image does not exist does not start.

    AWS: ECS developer guide, CannotPullContainer task errors.
    """
    existing = push(aws, image())
    settings = Settings(uri.format(host=existing.partition("/")[0]), count=0)
    deploy(aws, settings)

    aws.client("ecs").run_task(cluster=CLUSTER, taskDefinition="web")
    wait_until(lambda: Shop(aws).tasks("STOPPED"))

    [task] = Shop(aws).tasks("STOPPED")
    assert (
        task["stopCode"],
        task["stoppedReason"].startswith(reason),
    ) == ("TaskFailedToStart", True)


CHECK = """\
import urllib.request
urllib.request.urlopen("http://127.0.0.1:4567/health")
"""


def test_unhealthy_container(aws: Aws) -> None:
    """A container is healthy while its check succeeds; a task with an unhealthy container is replaced.

    AWS: ECS developer guide, Determine Amazon ECS task health using container health checks.
    """
    check = {"Command": ["CMD", "python3", "check.py"], "Interval": 5, "Retries": 2}
    uri = push(aws, image(**{"check.py": CHECK}))
    shop = started(aws, Settings(uri), container={"HealthCheck": check})
    [healthy] = shop.tasks()

    shop.update(taskDefinition=shop.register(uri, mode="unhealthy"))
    shop.wait_for(lambda shop: shop.tasks("STOPPED"))
    stopped = shop.tasks("STOPPED")[0]
    shop.wait_for(is_steady, seconds=40)

    assert "HEALTHY" == healthy["healthStatus"] == healthy["containers"][0]["healthStatus"]
    assert (
        stopped["stoppedReason"],
        stopped["stopCode"],
    ) == ("Task failed container health checks", "ServiceSchedulerInitiated")
    assert "failed container health checks." in " ".join(shop.events)
    assert [healthy["taskArn"]] == [task["taskArn"] for task in shop.tasks()]


def test_unhealthy_target(aws: Aws) -> None:
    """A task whose target is unhealthy after the grace period is replaced, and its release fails.

    AWS: ECS developer guide, Troubleshooting service load balancers.
    """
    uri = push(aws, image())
    shop = started(aws, Settings(uri), has_load_balancer=True)
    first = shop.service["deployments"][0]["id"]

    shop.update(taskDefinition=shop.register(uri, mode="unhealthy"))
    shop.wait_for(lambda shop: shop.tasks("STOPPED"))
    stopped = shop.tasks("STOPPED")[0]
    shop.wait_for(is_steady, seconds=40)

    assert stopped["stoppedReason"].startswith("Task failed ELB health checks in (target-group arn")
    assert "due to (reason Health checks failed with these codes: [500])" in " ".join(shop.events)
    assert first == shop.service["deployments"][0]["id"]


def test_failed_deployment(aws: Aws) -> None:
    """A deployment with tasks that do not start is rolled back; the old tasks respond all the time.

    AWS: ECS developer guide, How the Amazon ECS deployment circuit breaker detects failures.
    """
    shop = started(aws, has_load_balancer=True)
    [before] = shop.tasks()
    responses: list[Any] = []
    has_ended = threading.Event()

    def send_requests() -> None:
        while not has_ended.wait(0.05):
            responses.append(get(shop, "/")[0])

    client = threading.Thread(target=send_requests)
    client.start()
    first = shop.service["deployments"][0]["id"]
    updated = shop.update(taskDefinition=shop.register(push(aws, image("blue")), mode="broken"))
    failed = updated["deployments"][0]["id"]
    shop.wait_for(lambda shop: shop.service["deployments"][0]["id"] == first)
    rolled_back = shop.service
    shop.wait_for(is_steady)
    has_ended.set()
    client.join()

    assert set(responses) == {200}
    assert [before["taskArn"]] == [task["taskArn"] for task in shop.tasks()]
    assert rolled_back["taskDefinition"] == before["taskDefinitionArn"]
    texts = " ".join(shop.events)
    assert f"(deployment {failed}) deployment failed: tasks failed to start." in texts
    assert f"rolling back to deployment {first}." in texts
    assert [line for line in shop.log() if line == "cannot start"] == ["cannot start"] * 3
    assert {
        task["containers"][0]["exitCode"]
        for task in shop.tasks("STOPPED")
        if task["stopCode"] == "EssentialContainerExited"
    } == {7}


def test_rolling_deployment(aws: Aws) -> None:
    """A new deployment replaces the tasks one after the other, without a failed request.

    AWS: ECS developer guide, Deploy Amazon ECS services by replacing tasks.
    """
    shop = started(aws, has_load_balancer=True, count=2)
    responses: list[Any] = []
    has_ended = threading.Event()

    def send_requests() -> None:
        while not has_ended.is_set():
            status, content = get(shop, "/slow?0.05")
            responses.append((status, content.get("color")))

    clients = [threading.Thread(target=send_requests) for _ in range(3)]
    for thread in clients:
        thread.start()
    shop.update(taskDefinition=shop.register(push(aws, image("blue"))))
    shop.wait_for(is_steady)
    has_ended.set()
    for thread in clients:
        thread.join()

    assert set(responses) == {(200, "red"), (200, "blue")}
    assert responses[-1] == (200, "blue")
    assert {task["stoppedReason"][:16] for task in shop.tasks("STOPPED")} == {"Scaling activity"}
    assert len(shop.tasks()) == 2


def test_stop(aws: Aws) -> None:
    """A stopped task gets SIGTERM, and SIGKILL after its stop timeout.

    AWS: ECS developer guide, Amazon ECS task lifecycle; ContainerDefinition, stopTimeout.
    """
    uri = push(aws, image())
    deploy(aws, Settings(uri, count=0))
    shop, ecs = Shop(aws), aws.client("ecs")
    codes = []

    for mode in ("", "stubborn"):
        definition = shop.register(uri, mode=mode)
        started_task = ecs.run_task(cluster=CLUSTER, taskDefinition=definition)["tasks"][0]
        shop.wait_for(lambda shop: len([x for x in shop.log() if x[:7] == "listens"]) > len(codes))
        ecs.stop_task(cluster=CLUSTER, task=started_task["taskArn"], reason="enough")
        shop.wait_for(lambda shop: len(shop.tasks("STOPPED")) > len(codes))
        wait_until(lambda: shop.tasks("STOPPED")[-1]["lastStatus"] == "STOPPED")
        [task] = [
            task for task in shop.tasks("STOPPED") if task["taskArn"] == started_task["taskArn"]
        ]
        codes.append((task["stopCode"], task["stoppedReason"], task["containers"][0]["exitCode"]))

    assert codes == [("UserInitiated", "enough", 0), ("UserInitiated", "enough", 137)]
    assert [line for line in shop.log() if not line.startswith("listens")] == [
        "got SIGTERM",
        "ends",
        "ignores SIGTERM",
    ]


def test_stack_with_failing_service(aws: Aws) -> None:
    """A stack whose service does not become stable is rolled back.

    AWS: aws/aws-cdk#25240.
    """
    stack = deploy(aws, Settings(push(aws, image()), mode="broken"))

    reasons = {reason for name, status, reason in aws.events("shop") if status == "CREATE_FAILED"}
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("ECS Deployment Circuit Breaker was triggered" in reason for reason in reasons)


@pytest.fixture(params=["auto", "off"])
def killed_emulator(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[OwnEmulator]:
    """An emulator with and without namespaces, for a test that kills it."""
    monkeypatch.setenv(sandbox.VARIABLE, request.param)
    yield OwnEmulator(tmp_path / ".emulator")
    emulator.stop(tmp_path / ".emulator")


def test_a_killed_emulator_leaves_no_process(killed_emulator: OwnEmulator) -> None:
    """Tasks end with the emulator, also after SIGKILL, and start again when the emulator starts."""
    own_emulator = killed_emulator
    shop = started(own_emulator.aws, has_load_balancer=True)
    _, before = get(shop, "/")
    folder = own_emulator.folder

    running = processes_of(folder)

    own_emulator.kill()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in running))
    restarted = Shop(own_emulator.restart())
    restarted.wait_for(lambda shop: get(shop, "/")[0] == 200)
    [stopped] = restarted.tasks("STOPPED")
    again = processes_of(folder)
    emulator.stop(folder)

    assert stopped["stoppedReason"] == "The emulator was stopped"
    assert before["color"] == "red"
    assert (
        2 <= len(running) == len(again)
    )  # The launcher and the program, with namespaces also an init process.
    assert not any(Path(f"/proc/{pid}").exists() for pid in again)


def test_isolation(aws: Aws) -> None:
    """A task has no variables of the emulator; OpenTelemetry data is accepted on port 4318."""
    shop = started(aws, has_load_balancer=True)

    _, environment = get(shop, "/environment")
    telemetry, _ = get(shop, "/otlp")

    assert telemetry == 200
    names = {"USER", "LOGNAME", "PYTHONPATH", "AWS_ACCESS_KEY_ID", "GATEWAY_PORT"}
    assert set() == names & environment.keys()
    if sandbox.level() == "namespaces":
        assert environment["HOME"] == "/tmp"  # noqa: S108  A path in the sandbox.


PACKAGED = """\
FROM x AS build
FROM y
WORKDIR /app
COPY --from=build /venv /venv
COPY . .
ENV COLOR=red PATH="/venv/bin:$PATH"
CMD ["python3", "server.py"]
"""
LOCK = """\
blinker==1.9.0 \\
    --hash=sha256:b4ce2265a7abece45e7cc896e98dbebe6cead56bcf805a3d23136d145f5445bf \\
    --hash=sha256:ba0efaa9080b619ff2f3459d1d500c57bddea4a6b424b60a91141db6fd2f08bc
"""


def test_packages(aws: Aws, server_folder: Path) -> None:
    """A program imports the packages of its lock, and nothing else that is installed here.

    AWS: ECS developer guide; an image contains the packages.
    """
    code = "import blinker\ntry:\n    import pytest\nexcept ImportError:\n    print('no pytest')\n"
    built = image(**{"Dockerfile": PACKAGED, "requirements.txt": LOCK, "server.py": code + SERVER})
    missing = push(aws, built)
    deploy(aws, Settings(missing, count=0))
    shop, ecs = Shop(aws), aws.client("ecs")

    ecs.run_task(cluster=CLUSTER, taskDefinition="web")
    shop.wait_for(lambda shop: shop.tasks("STOPPED"))
    [refused] = shop.tasks("STOPPED")
    packages = emulator.packages_folder(server_folder, LOCK)
    environments.create(packages, LOCK, python=sandbox.python(), place="requirements.txt")
    [task] = ecs.run_task(cluster=CLUSTER, taskDefinition="web")["tasks"]
    shop.wait_for(lambda shop: len(shop.log()) > 1)
    ecs.stop_task(cluster=CLUSTER, task=task["taskArn"])

    assert refused["stoppedReason"].endswith("not installed: run ./inv image.push again")
    assert shop.log()[:2] == ["no pytest", "listens, color red secret None"]
    with pytest.raises(BuildError, match="lock: cannot be installed"):
        environments.create(
            server_folder / "packages" / "x", "a==0.0.1\n", python=sandbox.python(), place="lock"
        )


def test_failing_service(aws: Aws) -> None:
    """The starts of a failing service are delayed more and more; a new deployment starts immediately.

    AWS: ECS developer guide, Amazon ECS service throttle logic.
    """
    uri = push(aws, image())
    deploy(aws, Settings(uri, count=0))
    shop = Shop(aws)
    shop.update(taskDefinition=shop.register(uri, mode="broken"))
    shop.wait_for(is_steady)

    shop.update(desiredCount=1)
    shop.wait_for(lambda shop: len(shop.tasks("STOPPED")) == 4)
    started_at = [task["createdAt"].timestamp() for task in shop.tasks("STOPPED")]
    shop.update(taskDefinition=shop.register(uri))
    shop.wait_for(is_steady, seconds=10)

    assert started_at[-1] - started_at[0] >= 2  # Delays of 0, 1 and 2 seconds, in whole seconds.
    assert "is unable to consistently start tasks successfully." in " ".join(shop.events)
    assert "deployment failed" not in " ".join(shop.events)


def test_tasks_of_a_service() -> None:
    """Tasks of a service with the same name elsewhere are not tasks of the service."""
    arn = "arn:aws:ecs:eu-west-1:000000000001:service/main/web"

    def task(account: str, region: str, cluster: str, group: str) -> Any:
        cluster_arn = f"arn:aws:ecs:{region}:{account}:cluster/{cluster}"
        return SimpleNamespace(record={"clusterArn": cluster_arn, "group": group})

    own = task("000000000001", "eu-west-1", "main", "service:web")
    others = [
        task("000000000002", "eu-west-1", "main", "service:web"),
        task("000000000001", "eu-west-2", "main", "service:web"),
        task("000000000001", "eu-west-1", "other", "service:web"),
        task("000000000001", "eu-west-1", "main", "service:worker"),
    ]

    assert [own] == patch.tasks_of_service(arn, [*others, own])
