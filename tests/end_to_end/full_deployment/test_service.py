"""The service without an image, its first image, a release and a rollback.

The commands run once and record what they see; each test checks one part.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deployer.model import ABSENT

if TYPE_CHECKING:
    from tests.end_to_end.checkout import Checkout
    from tests.end_to_end.deployed import Deployed

PARAMETER, REPOSITORY = "/crd/local/backend/image", "crd-local-backend"
CLUSTER, NAME = "crd-local-cluster", "backend-flask"
UNKNOWN = f"sha256:{'0' * 64}"
WEBHOOK = "https://api.cruddur.localhost/webhooks/avatar"


@dataclass(frozen=True)
class Seen:
    """The service at one moment, with its task definition, image, scaling, subscriptions and plan."""

    service: dict[str, Any]
    task: dict[str, Any]
    image: str
    targets: list[dict[str, Any]]
    subscriptions: list[dict[str, Any]]
    plan: str

    @property
    def running(self) -> tuple[int, int]:
        """Return the desired and the running number of tasks."""
        return self.service["desiredCount"], self.service["runningCount"]

    @property
    def images(self) -> dict[str, str]:
        """Return the image of each container."""
        return {one["name"]: one["image"] for one in self.task["containerDefinitions"]}

    @property
    def digest(self) -> str:
        """Return the digest of the application's image."""
        return self.images[NAME].partition("@")[2]

    @property
    def step(self) -> str:
        """Return the step that `plan` decides for the stack, and its reason."""
        [step] = json.loads(self.plan)["steps"]
        return f"{step['step']} {step['reason']}"


@dataclass
class Story:
    """The recorded moments by name, and the output of the commands between them."""

    deployed: Deployed
    digests: list[str]
    seen: dict[str, Seen] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)

    @property
    def checkout(self) -> Checkout:
        """Return the checkout in which commands run."""
        return self.deployed.checkout

    def look(self, moment: str, *, plan: int = 0) -> None:
        """Record a moment, in which `plan` ends with the exit code *plan*."""
        ecs, scaling = self.deployed.client("ecs"), self.deployed.client("application-autoscaling")
        [service] = ecs.describe_services(cluster=CLUSTER, services=[NAME])["services"]
        arn = service["taskDefinition"]
        topic = self.deployed.known["assets"]["AvatarTopic"]
        ssm, sns = self.deployed.client("ssm"), self.deployed.client("sns")
        self.seen[moment] = Seen(
            service,
            ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"],
            ssm.get_parameter(Name=PARAMETER)["Parameter"]["Value"],
            scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"],
            sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"],
            self.checkout.run("plan", "--stack=service", "--only", "--json", code=plan).out,
        )

    def run(self, moment: str, *task: str) -> None:
        """Run a task, and record its output and the moment after it."""
        self.said[moment] = self.checkout.run(*task).out
        self.look(moment)


@pytest.fixture(scope="module")
def story(deployed: Deployed) -> Story:
    """Run all commands on one deployment."""
    told = Story(deployed, [push(deployed, number) for number in (1, 2)])
    first, second = told.digests

    told.look("nothing", plan=0)
    told.said["too early"] = told.checkout.run("service.start", code=1).err
    told.checkout.run("service.record", f"--image={first}")
    told.look("recorded", plan=2)
    told.run("deployed", "deploy", "--stack=service")
    told.run("again", "deploy")
    told.run("released", "service.release", f"--image={second}")
    change_config(told.checkout, "max_tasks = 2", "max_tasks = 3")
    told.look("changed", plan=2)
    told.run("updated", "deploy", "--stack=service")
    told.run("stopped", "service.stop")
    told.run("rolled back", "service.release", f"--image={first}")
    told.run("started", "service.start")
    told.run("restarted", "service.restart")
    return told


def push(deployed: Deployed, number: int) -> str:
    """Push an image that depends on *number*; return its digest."""
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "size": number, "digest": "x"}
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": layer, "layers": [layer]}
    pushed = deployed.client("ecr").put_image(
        repositoryName=REPOSITORY, imageManifest=json.dumps(manifest), imageTag=f"v{number}"
    )
    return str(pushed["image"]["imageId"]["imageDigest"])


def change_config(checkout: Checkout, before: str, after: str) -> None:
    """Change one setting of the environment `local`."""
    file: Path = checkout.path / "config" / "local.toml"
    text = file.read_text()
    assert 1 == text.count(before)
    file.write_text(text.replace(before, after))


# --- before there is an image -----------------------------------------------------------------


def test_service_without_image_has_no_tasks(story):
    """The service exists without tasks, autoscaling and subscriptions."""
    nothing = story.seen["nothing"]

    assert (ABSENT, (0, 0)) == (nothing.image, nothing.running)
    assert [] == nothing.targets == nothing.subscriptions
    assert ABSENT == story.deployed.known["service"]["Image"]


def test_plan_detects_a_recorded_image(story):
    """The templates are as they were: it asks Parameter Store, as long as there was none."""
    assert "keep unchanged" == story.seen["nothing"].step
    assert "update /crd/local/backend/image is available" == story.seen["recorded"].step


def test_start_without_image_is_refused(story):
    """`service.start` is refused as long as there is no image."""
    assert "backend-flask: no image is released yet" in story.said["too early"]
    assert "./inv service.record" in story.said["too early"]


# --- the first image --------------------------------------------------------------------------


def test_deploy_uses_the_recorded_image(story):
    """A deploy uses the recorded digest, starts the minimum number of tasks and subscribes the webhook."""
    deployed, [first, _] = story.seen["deployed"], story.digests

    assert first == deployed.digest
    assert deployed.images[NAME].startswith(story.deployed.known["registry"]["Uri"])
    assert (1, 1) == deployed.running
    [target] = deployed.targets
    assert (1, 2) == (target["MinCapacity"], target["MaxCapacity"])
    assert [WEBHOOK] == [one["Endpoint"] for one in deployed.subscriptions]


def test_a_second_deploy_changes_nothing(story):
    """With an image, a second deploy changes nothing."""
    assert "keep unchanged" == story.seen["deployed"].step
    assert (
        story.seen["deployed"].service["deployments"]
        == (story.seen["again"].service["deployments"])
    )


# --- releases ---------------------------------------------------------------------------------


def test_release_deploys_and_records_an_image(story):
    """Only the image of the task differs, and the stack has nothing to do."""
    before, after, [_, second] = (*(story.seen[m] for m in ("again", "released")), story.digests)

    def rest(seen: Seen) -> dict[str, Any]:
        of_revision = {"taskDefinitionArn", "revision", "registeredAt", "containerDefinitions"}
        return {name: value for name, value in seen.task.items() if name not in of_revision}

    def but_image(seen: Seen) -> list[dict[str, Any]]:
        known = seen.task["containerDefinitions"]
        left = {"image", "cpu", "systemControls", "volumesFrom"}  # ECS gives these defaults.
        return [{name: one[name] for name in one if name not in left} for one in known]

    assert (second, second) == (after.digest, after.image)
    assert "keep unchanged" == after.step
    assert before.images["collector"] == after.images["collector"]
    assert but_image(before) == but_image(after)
    assert rest(before).items() <= rest(after).items()
    assert f"@{second}\n" in story.said["released"]
    assert (1, 1) == after.running


def test_stack_update_keeps_the_released_image(story):
    """The original's did: its template had the image of the day it was written (defect 32)."""
    updated, [_, second] = story.seen["updated"], story.digests

    assert "update template changed" == story.seen["changed"].step
    assert (second, second) == (updated.digest, updated.image)
    assert [3] == [one["MaxCapacity"] for one in updated.targets]
    assert (1, 1) == updated.running


def test_a_rollback_is_a_release_of_an_older_image(story):
    """Whatever is in the registry can come back (defect 24)."""
    assert story.digests[0] == story.seen["rolled back"].digest == story.seen["started"].digest
    assert story.digests[0] == story.seen["rolled back"].image


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (UNKNOWN, "ImageNotFoundException"),
        ("latest", "--image=latest: not the digest of an image"),
        ("", "--image: the value is empty"),
    ],
    ids=["not in the registry", "a tag", "none"],
)
def test_invalid_image_is_refused(story, image, said):
    """An unknown image is refused before anything changes."""
    refused = story.checkout.run("service.release", f"--image={image}", code=1)

    ssm = story.deployed.client("ssm")
    assert said in refused.err
    assert story.digests[0] == ssm.get_parameter(Name=PARAMETER)["Parameter"]["Value"]


def test_only_digests_are_recorded(story):
    """What a stack update would take has to be an image, or it would fail half-way."""
    refused = story.checkout.run("service.record", "--image=latest", code=1)

    assert "--image=latest: not the digest of an image" in refused.err


def test_missing_service_is_refused(story):
    """A service that is not deployed is refused."""
    refused = story.checkout.run("service.restart", "--stack=verifier", code=1)

    assert "--stack=verifier: has no service" in refused.err


# --- stopped and started ----------------------------------------------------------------------


def test_what_is_stopped_stays_stopped(story):
    """Autoscaling would start it again, so that is suspended; a release may come meanwhile."""
    for moment in ("stopped", "rolled back"):
        seen = story.seen[moment]
        assert (0, 0) == seen.running
        assert [{True}] == [set(one["SuspendedState"].values()) for one in seen.targets]
    assert "no task is running: run ./inv service.start --env=local\n" in story.said["rolled back"]


def test_what_is_started_runs_and_scales_again(story):
    """With as many tasks as there are at least."""
    started = story.seen["started"]

    assert (1, 1) == started.running
    assert [{False}] == [set(one["SuspendedState"].values()) for one in started.targets]


def test_a_restart_makes_new_tasks_of_the_same_kind(story):
    """A restart is a new deployment with the same task definition."""
    before, after = story.seen["started"], story.seen["restarted"]

    ids = [seen.service["deployments"][0]["id"] for seen in (before, after)]
    assert ids[0] != ids[1]
    assert before.task == after.task
    assert (1, 1) == after.running


# --- a shell ----------------------------------------------------------------------------------


def test_a_shell_needs_the_plugin_of_aws(story):
    """Without the plugin of AWS, a shell is refused."""
    refused = story.checkout.run("service.connect", code=1, PATH="/nowhere")

    assert "session-manager-plugin is not on PATH" in refused.err


def test_a_shell_is_one_of_the_application(story, tmp_path):
    """The plugin finds the session that ECS made where no other user of the machine looks."""
    plugin = tmp_path / "session-manager-plugin"
    plugin.write_text('#!/bin/sh\nprintenv "$1"; echo "$2"; echo "$3"\n')
    plugin.chmod(0o755)

    session, region, what = story.checkout.run(
        "service.connect", PATH=f"{tmp_path}:/usr/bin:/bin"
    ).out.splitlines()

    assert {"sessionId", "streamUrl", "tokenValue"} == json.loads(session).keys()
    assert ("ca-central-1", "StartSession") == (region, what)


# --- at last ----------------------------------------------------------------------------------


def test_service_is_destroyed_and_deployed_alone(story):
    """The pipeline knows it by its name alone; only what watches it goes with it."""
    before = story.checkout.stacks()
    story.checkout.run("destroy", "--stack=service", "--yes")
    without = story.checkout.stacks()
    again = story.checkout.run("deploy")

    assert {"service", "monitoring"} == before.keys() - without.keys()
    assert "pipeline" in without
    assert before.keys() == story.checkout.stacks().keys()
    assert again.last.startswith("2 created, ")
