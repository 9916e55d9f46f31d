"""The service without an image, its first image, a release and a rollback.

The commands run once, and the state of the service is recorded after each command. A test checks one
state.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deployer.model import ABSENT
from tests.emulator.own_emulator import wait_until
from tests.end_to_end import application

if TYPE_CHECKING:
    from tests.end_to_end.checkout import Checkout
    from tests.end_to_end.deployed import Deployed

PARAMETER = "/crd/local/backend/image"
CLUSTER, NAME = "crd-local-cluster", "backend-flask"
UNKNOWN = f"sha256:{'0' * 64}"
WEBHOOK = "https://api.cruddur.localhost/webhooks/avatar"


@dataclass(frozen=True)
class ServiceState:
    """The service after a command: task definition, image, scaling, subscriptions and plan."""

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
        return {
            container["name"]: container["image"] for container in self.task["containerDefinitions"]
        }

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
class ServiceHistory:
    """The recorded states by name, and the output of the commands between them."""

    deployed: Deployed
    digests: list[str]
    states: dict[str, ServiceState] = field(default_factory=dict)
    output: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(
        default_factory=dict
    )  # The version that responds, or the status.

    @property
    def is_steady(self) -> bool:
        """Return whether the service runs the desired tasks."""
        ecs = self.deployed.client("ecs")
        [service] = ecs.describe_services(cluster=CLUSTER, services=[NAME])["services"]
        return bool(
            service["runningCount"] == service["desiredCount"]
            and "steady state" in service["events"][0]["message"]
        )

    @property
    def checkout(self) -> Checkout:
        """Return the checkout in which commands run."""
        return self.deployed.checkout

    def record(self, state: str, *, plan_exit_code: int = 0) -> None:
        """Record the state of the service; `plan` must end with *plan_exit_code*."""
        ecs, scaling = self.deployed.client("ecs"), self.deployed.client("application-autoscaling")
        [service] = ecs.describe_services(cluster=CLUSTER, services=[NAME])["services"]
        arn = service["taskDefinition"]
        topic = self.deployed.outputs["assets"]["AvatarTopic"]
        ssm, sns = self.deployed.client("ssm"), self.deployed.client("sns")
        self.states[state] = ServiceState(
            service,
            ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"],
            ssm.get_parameter(Name=PARAMETER)["Parameter"]["Value"],
            scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"],
            sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"],
            self.checkout.run(
                "plan", "--stack=service", "--only", "--json", code=plan_exit_code
            ).out,
        )

    def run(self, state: str, *task: str) -> None:
        """Run a task, and record its output and the state after it."""
        self.output[state] = self.checkout.run(*task).out
        self.record(state)


@pytest.fixture(scope="module")
def history(deployed: Deployed) -> ServiceHistory:
    """Return the recorded states after all commands ran on one deployment."""
    recorded = ServiceHistory(
        deployed, [application.push(deployed, version) for version in ("v1", "v2")]
    )
    first, second = recorded.digests

    recorded.record("nothing")
    recorded.output["too early"] = recorded.checkout.run("service.start", code=1).err
    recorded.checkout.run("service.record", f"--image={first}")
    recorded.record("recorded", plan_exit_code=2)
    recorded.run("deployed", "deploy", "--stack=service")
    wait_until(lambda: recorded.is_steady, seconds=40)
    recorded.record("running")
    recorded.versions["running"] = application.version_of(deployed)
    recorded.output["log"] = recorded.checkout.run("logs", "--service", "--since=1h").out
    recorded.run("again", "deploy")
    recorded.run("released", "service.release", f"--image={second}")
    recorded.versions["released"] = application.version_of(deployed)
    change_config(recorded.checkout, "max_tasks = 2", "max_tasks = 3")
    recorded.record("changed", plan_exit_code=2)
    recorded.run("updated", "deploy", "--stack=service")
    recorded.run("stopped", "service.stop")
    recorded.versions["stopped"] = application.version_of(deployed)
    recorded.run("rolled back", "service.release", f"--image={first}")
    recorded.run("started", "service.start")
    wait_until(lambda: application.version_of(deployed) == "v1", seconds=40)
    recorded.run("restarted", "service.restart")
    return recorded


def change_config(checkout: Checkout, before: str, after: str) -> None:
    """Change one setting of the environment `local`."""
    file: Path = checkout.path / "config" / "local.toml"
    text = file.read_text()
    assert text.count(before) == 1
    file.write_text(text.replace(before, after))


# --- without an image -------------------------------------------------------------------------


def test_service_without_image_has_no_tasks(history):
    """The service exists without tasks, autoscaling and subscriptions."""
    initial = history.states["nothing"]

    assert (initial.image, initial.running) == (ABSENT, (0, 0))
    assert [] == initial.targets == initial.subscriptions
    assert history.deployed.outputs["service"]["Image"] == ABSENT


def test_plan_detects_a_recorded_image(history):
    """`plan` finds an update when an image is recorded, although the templates are unchanged."""
    assert history.states["nothing"].step == "keep unchanged"
    assert history.states["recorded"].step == "update /crd/local/backend/image is available"


def test_start_without_image_is_refused(history):
    """`service.start` is refused as long as there is no image."""
    assert "backend-flask: no image is released yet" in history.output["too early"]
    assert "./inv service.record" in history.output["too early"]


# --- the first image --------------------------------------------------------------------------


def test_deploy_uses_the_recorded_image(history):
    """A deploy uses the recorded digest, starts the minimum number of tasks and subscribes the webhook."""
    deployed, [first, _] = history.states["running"], history.digests

    assert first == deployed.digest
    assert deployed.images[NAME].startswith(history.deployed.outputs["registry"]["Uri"])
    assert deployed.running == (1, 1)
    [target] = deployed.targets
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 2)
    assert [subscription["Endpoint"] for subscription in deployed.subscriptions] == [WEBHOOK]


def test_log_has_the_output_of_the_task(history):
    """`logs --service` prints what the program of the task has written."""
    lines = history.output["log"].splitlines()

    assert "version v1: GET /api/x" in {line.split("  ", 1)[1] for line in lines}


def test_a_second_deploy_changes_nothing(history):
    """A second deploy with the same image changes nothing."""
    assert history.states["deployed"].step == "keep unchanged"
    assert (
        history.states["running"].service["deployments"]
        == (history.states["again"].service["deployments"])
    )


# --- releases ---------------------------------------------------------------------------------


def test_release_deploys_and_records_an_image(history):
    """A release changes only the image in the task definition, and `plan` finds no update."""
    before, after, [_, second] = (
        *(history.states[name] for name in ("again", "released")),
        history.digests,
    )

    def without_revision(state: ServiceState) -> dict[str, Any]:
        revision_fields = {"taskDefinitionArn", "revision", "registeredAt", "containerDefinitions"}
        return {name: value for name, value in state.task.items() if name not in revision_fields}

    def without_image(state: ServiceState) -> list[dict[str, Any]]:
        containers = state.task["containerDefinitions"]
        ignored = {"image", "cpu", "systemControls", "volumesFrom"}  # ECS sets defaults for these.
        return [
            {name: value for name, value in container.items() if name not in ignored}
            for container in containers
        ]

    assert (second, second) == (after.digest, after.image)
    assert after.step == "keep unchanged"
    assert before.images["collector"] == after.images["collector"]
    assert without_image(before) == without_image(after)
    assert without_revision(before).items() <= without_revision(after).items()
    assert f"@{second}\n" in history.output["released"]
    assert after.running == (1, 1)
    assert (history.versions["running"], history.versions["released"]) == ("v1", "v2")


def test_stack_update_keeps_the_released_image(history):
    """A stack update does not replace the released image (defect 32)."""
    updated, [_, second] = history.states["updated"], history.digests

    assert history.states["changed"].step == "update template changed"
    assert (second, second) == (updated.digest, updated.image)
    assert [target["MaxCapacity"] for target in updated.targets] == [3]
    assert updated.running == (1, 1)


def test_a_rollback_is_a_release_of_an_older_image(history):
    """`service.release` deploys an older image in the registry again (defect 24)."""
    assert (
        history.digests[0]
        == history.states["rolled back"].digest
        == history.states["started"].digest
    )
    assert history.digests[0] == history.states["rolled back"].image


def test_the_history_lists_the_released_images(history):
    """The image before the current one has the command that releases it again."""
    first, second = history.digests

    document = json.loads(history.checkout.run("history", "--stack=service", "--json").out)

    assert [release["image"] for release in document["releases"]] == [first, second, first]
    assert document["releases"][1]["command"] == f"./inv service.release --image={second}"
    operations = [(past["operation"], past["outcome"]) for past in document["operations"]]
    assert operations[-1] == ("create", "succeeded")
    assert ("update", "succeeded") in operations


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (UNKNOWN, "crd-local-backend has no such image"),
        ("latest", "--image=latest: not the digest of an image"),
        ("", "--image: the value is empty"),
    ],
    ids=["not in the registry", "a tag", "none"],
)
def test_invalid_image_is_refused(history, image, error):
    """An unknown image is refused before anything changes."""
    refused = history.checkout.run("service.release", f"--image={image}", code=1)

    ssm = history.deployed.client("ssm")
    assert error in refused.err
    assert history.digests[0] == ssm.get_parameter(Name=PARAMETER)["Parameter"]["Value"]


def test_only_digests_are_recorded(history):
    """`service.record` refuses a tag, which the next stack update could not deploy."""
    refused = history.checkout.run("service.record", "--image=latest", code=1)

    assert "--image=latest: not the digest of an image" in refused.err


def test_missing_service_is_refused(history):
    """A service that is not deployed is refused."""
    refused = history.checkout.run("service.restart", "--stack=verifier", code=1)

    assert "--stack=verifier: has no service" in refused.err


# --- stopped and started ----------------------------------------------------------------------


def test_stopped_service_stays_stopped(history):
    """A stopped service has no tasks and suspended autoscaling, also after a release."""
    for state in ("stopped", "rolled back"):
        stopped = history.states[state]
        assert stopped.running == (0, 0)
        assert [set(target["SuspendedState"].values()) for target in stopped.targets] == [{True}]
    assert history.versions["stopped"] == "503"
    assert (
        "no task is running: run ./inv service.start --env=local\n" in history.output["rolled back"]
    )


def test_started_service_runs_and_scales(history):
    """`service.start` runs the minimum number of tasks and resumes autoscaling."""
    started = history.states["started"]

    assert started.running == (1, 1)
    assert [set(target["SuspendedState"].values()) for target in started.targets] == [{False}]


def test_restart_keeps_the_task_definition(history):
    """`service.restart` creates a deployment with the same task definition."""
    before, after = history.states["started"], history.states["restarted"]

    ids = [state.service["deployments"][0]["id"] for state in (before, after)]
    assert ids[0] != ids[1]
    assert before.task == after.task
    assert after.running == (1, 1), after.service["events"]


# --- a shell ----------------------------------------------------------------------------------


def test_connect_runs_a_command_in_the_task(history):
    """`service.connect` runs a command with the files, the environment and the port of the task."""
    ran = history.checkout.command(
        *("-m", "invoke", "service.connect"),
        "--command=sh -c 'pwd; echo $OTEL_SERVICE_NAME; bin/health-check && cat version.txt; exit 3'",
        code=3,
    )

    assert ran.out.splitlines() == ["/app", "backend-flask", "v1"]


def test_connect_without_a_task_is_refused(history):
    """`service.connect` names the task that starts the service if no task runs."""
    history.checkout.run("service.stop")
    refused = history.checkout.run("service.connect", code=1)
    history.checkout.run("service.start")

    assert "backend-flask: no task is running" in refused.err


# --- destroy ----------------------------------------------------------------------------------


def test_service_is_destroyed_and_deployed_alone(history):
    """Destroying the service deletes only the monitoring stack with it; a deploy creates both."""
    before = history.checkout.stacks()
    history.checkout.run("destroy", "--stack=service", "--yes")
    without = history.checkout.stacks()
    again = history.checkout.run("deploy")

    assert before.keys() - without.keys() == {"service", "monitoring"}
    assert "pipeline" in without
    assert before.keys() == history.checkout.stacks().keys()
    assert again.last.startswith("2 created, ")
