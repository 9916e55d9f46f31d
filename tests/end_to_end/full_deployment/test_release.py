"""A release from a commit to the service, in the steps of the pipeline, and a rollback.

The test does what CodePipeline and its ECS action do; every other step runs a buildspec. A fake
docker command pushes an image for the emulator.
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

import pytest

from tests.emulator.own_emulator import wait_until
from tests.emulator_server import REGION
from tests.end_to_end import stages
from tests.end_to_end.checkout import Checkout, kebab_case
from tests.end_to_end.deployed import describe_deployment

FIRST, SECOND = "1" * 40, "2" * 40
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


@pytest.fixture
def release(restored: Checkout):
    """Return the deployed stacks, without an image, and write the files that the stages use."""
    (restored.path / "inv").write_text('exec python -m invoke "$@"\n')
    (restored.path / "push.py").write_text(PUSH)
    (restored.path / "tools").mkdir()
    (restored.path / "tools" / "docker").write_text(DOCKER)
    (restored.path / "tools" / "docker").chmod(0o755)
    return Release(restored)


def test_release_and_rollback(release):
    """The first image starts the service, the second replaces it, and a rollback restores the first.

    No stack update replaces a released image, and `plan` finds nothing to do.
    """
    before = release.service["desiredCount"]

    first = release.image(FIRST)
    planned = release.stage("Plan")
    release.stage("Infrastructure")
    migrated = release.stage("Migrate")
    release.deploy_image()
    release.stage("RecordImage", IMAGE_DIGEST=first)
    updated = release.stage("UpdateServiceStack")
    started = release.running, release.recorded, release.service["desiredCount"]
    verified = release.stage("VerifyService")
    first_version = release.version
    release.forget_webhook()
    forgotten = release.webhooks
    release.stage("VerifyService")
    subscribed_again = release.webhooks

    second = release.image(SECOND)
    release.stage("Infrastructure")
    between = release.running
    release.stage("Migrate")
    release.deploy_image()
    release.stage("RecordImage", IMAGE_DIGEST=second)
    release.stage("UpdateServiceStack")
    replaced = release.running, release.recorded, release.version

    release.checkout.run("service.release", f"--image={first}")
    rolled_back = release.running, release.recorded, release.version
    release.stage("Infrastructure")
    release.checkout.run("plan")  # The exit code would be 2 if an update were due.

    uri = release.repository_uri
    assert before == 0
    assert "update" not in planned
    assert "applied 0001_users" in migrated
    assert "/backend/image is available" in updated
    assert (f"{uri}@{first}", first) == started[:2]
    assert started[2] >= 1
    assert "backend-flask runs at least 1 healthy task" in verified
    assert "is subscribed to new avatars" in verified
    assert first_version == 1
    assert (forgotten, subscribed_again) == ([], ["https://api.cruddur.localhost/webhooks/avatar"])
    assert between == f"{uri}@{first}"
    assert (f"{uri}@{second}", second, 2) == replaced
    assert (f"{uri}@{first}", first, 1) == rolled_back
    assert release.running == f"{uri}@{first}"


def test_a_bad_first_image(release):
    """The release of an image whose tasks end at once fails, with the reason."""
    release.break_application()
    digest = release.image(FIRST)
    release.stage("Infrastructure")
    release.stage("Migrate")
    release.deploy_image()
    release.stage("RecordImage", IMAGE_DIGEST=digest)
    release.stage("UpdateServiceStack")
    wait_until(lambda: release.stopped_reasons, seconds=40)

    failed = release.checkout.run("service.verify", "--timeout=0", code=5)

    assert release.version == 0
    assert "backend-flask: fewer than 1 healthy task" in failed.err
    assert "Essential container in task exited" in failed.err
