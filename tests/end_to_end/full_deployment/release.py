"""The stages of the pipeline, run on the emulator as CodePipeline and its ECS action do.

A fake docker command pushes an image for the emulator; every other step runs a buildspec.
"""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.emulator.own_emulator import wait_until
from tests.emulator_server import REGION
from tests.end_to_end import stages
from tests.end_to_end.checkout import Checkout, kebab_case
from tests.end_to_end.deployed import describe_deployment

DOCKER = """\
#!/bin/sh
set -eu
case $1 in
    login) cat > /dev/null ;;
    push) python push.py "$2" > pushed.txt ;;
    image) cat pushed.txt ;;
esac
"""
PUSH = """\
import sys

import boto3

from operations.images import local, registry

uri, _, tag = sys.argv[1].rpartition(":")
image = local.image()
registry.upload(boto3.client("ecr"), uri.partition("/")[2], image, tag=tag)
print(f"{uri}@{image.digest}")
"""
HEALTH_CHECK = "backend/cruddur/health/routes.py"


@dataclass
class Release:
    """All stacks in the emulator, and the pipeline stages that release to them."""

    checkout: Checkout

    def image(self, commit: str) -> str:
        """Build and push the image of *commit*; write imagedefinitions.json and return the digest."""
        path = f"{self.checkout.path}/tools:{Path(sys.executable).parent}:{os.environ['PATH']}"
        env = self.checkout.aws_env | {"COMMIT": commit, "PATH": path}
        env |= {
            "CODEBUILD_BUILD_NUMBER": "1",
            "REPOSITORY_URI": self.repository_uri,
            "CONTAINER": "backend-flask",
        }
        self._write_version(commit[:1])
        self.stage("Image", **env)
        file = self.checkout.path / "imagedefinitions.json"
        [definition] = json.loads(file.read_text())
        return str(definition["imageUri"].rpartition("@")[2])

    def stage(self, title: str, **env: str) -> str:
        """Run the commands of a CodeBuild project."""
        [project] = self.client("codebuild").batch_get_projects(
            names=[f"crd-local-pipeline-{kebab_case(title)}"]
        )["projects"]
        script = stages.script(project["source"]["buildspec"], self.checkout.home)
        return self.checkout.shell(script, **env)

    def deploy_image(self) -> None:
        """Deploy the image in imagedefinitions.json to the service, as the ECS action does."""
        ecs = self.client("ecs")
        file = self.checkout.path / "imagedefinitions.json"
        images = {
            definition["name"]: definition["imageUri"]
            for definition in json.loads(file.read_text())
        }
        task = ecs.describe_task_definition(taskDefinition=self.service["taskDefinition"])
        shape = ecs.meta.service_model.operation_model("RegisterTaskDefinition").input_shape
        new = {k: v for k, v in task["taskDefinition"].items() if k in shape.members}
        for container in new["containerDefinitions"]:
            container["image"] = images.get(container["name"], container["image"])
        arn = ecs.register_task_definition(**new)["taskDefinition"]["taskDefinitionArn"]
        ecs.update_service(cluster="crd-local-cluster", service="backend-flask", taskDefinition=arn)
        wait_until(lambda: self.is_deployed, seconds=40)

    @property
    def is_deployed(self) -> bool:
        """Return whether the last deployment is complete."""
        states = [deployment["rolloutState"] for deployment in self.service["deployments"]]
        return states == ["COMPLETED"]

    @property
    def version(self) -> int:
        """Return the version of the application behind the load balancer; 0 if no task responds."""
        connection = HTTPConnection(self.checkout.endpoint.url.removeprefix("http://"), timeout=60)
        # The port is that of the load balancer's HTTPS listener; the emulator has no TLS.
        connection.request(
            "GET", "/api/health-check", headers={"Host": "api.cruddur.localhost:443"}
        )
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return int(json.loads(body)["ver"]) if response.status == 200 else 0

    def _write_version(self, version: str) -> None:
        """Change the version in the code of the backend, as a commit does."""
        file = self.checkout.path / HEALTH_CHECK
        text, count = re.subn(r"ver=\d+", f"ver={version}", file.read_text())
        assert count == 1
        file.write_text(text)

    @property
    def repository_uri(self) -> str:
        """Return the URI of the ECR repository."""
        return describe_deployment(self.checkout).outputs["registry"]["Uri"]

    @property
    def service(self) -> dict[str, Any]:
        """Return the description of the service."""
        found = self.client("ecs").describe_services(
            cluster="crd-local-cluster", services=["backend-flask"]
        )
        service: dict[str, Any] = found["services"][0]
        return service

    @property
    def running(self) -> str:
        """Return the image of the service."""
        task = self.service["taskDefinition"]
        found = self.client("ecs").describe_task_definition(taskDefinition=task)
        containers = found["taskDefinition"]["containerDefinitions"]
        return next(
            container["image"] for container in containers if container["name"] == "backend-flask"
        )

    @property
    def recorded(self) -> str:
        """Return the digest that the next stack update uses."""
        found = self.client("ssm").get_parameter(Name="/crd/local/backend/image")
        return str(found["Parameter"]["Value"])

    @property
    def _avatar_subscriptions(self) -> list[dict[str, str]]:
        topic = describe_deployment(self.checkout).outputs["assets"]["AvatarTopic"]
        found = self.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        return [item for item in found if item["Protocol"] == "https"]

    @property
    def webhooks(self) -> list[str]:
        """Return the confirmed endpoints that are notified of new avatars."""
        return [
            item["Endpoint"]
            for item in self._avatar_subscriptions
            if item["SubscriptionArn"].startswith("arn:")
        ]

    def forget_webhook(self) -> None:
        """Delete the subscription, as SNS does if it is not confirmed within 48 hours."""
        for item in self._avatar_subscriptions:
            self.client("sns").unsubscribe(SubscriptionArn=item["SubscriptionArn"])

    @property
    def stopped_reasons(self) -> list[str]:
        """Return why tasks of the service have stopped."""
        ecs, cluster = self.client("ecs"), "crd-local-cluster"
        arns = ecs.list_tasks(cluster=cluster, desiredStatus="STOPPED")["taskArns"]
        tasks = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
        return [task["stoppedReason"] for task in tasks]

    def break_application(self) -> None:
        """Let the application of the next image end as soon as it starts."""
        file = self.checkout.path / HEALTH_CHECK
        file.write_text(f'{file.read_text()}\nraise SystemExit("broken")\n')

    def client(self, service: str) -> Any:
        """Return a client with all permissions in the account."""
        return self.checkout.client(service, REGION)


def prepare(checkout: Checkout) -> Release:
    """Write the files that the stages use to *checkout*."""
    (checkout.path / "inv").write_text('exec python -m invoke "$@"\n')
    (checkout.path / "push.py").write_text(PUSH)
    (checkout.path / "tools").mkdir()
    (checkout.path / "tools" / "docker").write_text(DOCKER)
    (checkout.path / "tools" / "docker").chmod(0o755)
    return Release(checkout)
