"""The running application: released, restarted, stopped, started, looked into."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection
from invoke.context import Context

from commands.framework import terminal
from commands.framework.task import task
from operations import functions, port_forwarding, processes, project, target
from operations.target import Target

if TYPE_CHECKING:
    from stacks.service import Settings

PATIENCE_SECONDS = 10 * 60  # As long as the pipeline waits for a release.
PAUSE_SECONDS = 2.0
COUNT = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
_LAYER = "the layer: service, or verifier where there is one"
_IMAGE = "a digest in the registry, such as sha256:… (64 hex digits)"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Running:
    """A service, the *layer* that made it, and the cluster it is on."""

    here: Target
    layer: str
    cluster: str
    name: str

    @property
    def ecs(self) -> Any:
        """ECS."""
        return self.here.client("ecs")

    @property
    def scaling(self) -> Any:
        """Application Auto Scaling."""
        return self.here.client("application-autoscaling")

    @property
    def _resource(self) -> str:
        return f"service/{self.cluster}/{self.name}"

    def described(self) -> dict[str, Any]:
        """The service as ECS knows it; raises CloudError if it does not."""
        from deployer.errors import CloudError

        found = self.ecs.describe_services(cluster=self.cluster, services=[self.name])["services"]
        if not found or found[0]["status"] != "ACTIVE":
            raise CloudError(
                f"{self.name} does not run",
                hint=f"./inv deploy --stack={self.layer} --env={self.here.env.name}",
            )
        described: dict[str, Any] = found[0]
        return described

    def fewest(self) -> int | None:
        """How many tasks there are at least; None as long as autoscaling is not there."""
        found = self.scaling.describe_scalable_targets(**COUNT, ResourceIds=[self._resource])
        counts = [int(target["MinCapacity"]) for target in found["ScalableTargets"]]
        return counts[0] if counts else None

    def suspend(self, *, suspended: bool) -> None:
        """Have the count stay as it is, whatever the load, or follow it again."""
        ways = ("DynamicScalingIn", "DynamicScalingOut", "ScheduledScaling")
        self.scaling.register_scalable_target(
            **COUNT,
            ResourceId=self._resource,
            SuspendedState={f"{way}Suspended": suspended for way in ways},
        )

    def update(self, **changes: Any) -> None:
        """Change the service, and wait until as many tasks run as it wants, and no others.

        Raises RolledBackError when ECS goes back to what ran before, or somebody else to
        something else, and BusyError when it takes too long. For a moment ECS may not know yet
        what was asked of it: then what ran before is no way back.
        """
        from deployer.errors import BusyError, RolledBackError

        answer = self.ecs.update_service(cluster=self.cluster, service=self.name, **changes)
        wanted = next(_of_status("PRIMARY", answer["service"]))["id"]
        give_up, seen = time.monotonic() + PATIENCE_SECONDS, False
        while True:
            service = self.described()
            newest = next(_of_status("PRIMARY", service))
            seen = seen or wanted in {each["id"] for each in service["deployments"]}
            if seen and (newest["id"] != wanted or newest.get("rolloutState") == "FAILED"):
                why = newest.get("rolloutStateReason", "its tasks did not come up")
                raise RolledBackError(f"{self.name}: {why}", hint="its log says more")
            if seen and newest.get("rolloutState") == "COMPLETED" and _steady(service):
                return
            if time.monotonic() > give_up:
                raise BusyError(f"{self.name}: still on its way after {PATIENCE_SECONDS} seconds")
            time.sleep(PAUSE_SECONDS)


@task(help={"image": _IMAGE, "layer": _LAYER})
def release(_: Context, image: str = "", layer: str = "service", env: str = "") -> None:
    """Migrate, bring an image that is in the registry into service, and note it: also a rollback."""
    digest = _digest(image)
    service = _running(layer, env)
    uri = f"{_known_image(service.here, digest)}@{digest}"
    _migrate(service.here)
    service.update(taskDefinition=_with_image(service, uri))
    _note(service.here, layer, digest)
    terminal.show(f"released {uri}")
    if not service.described()["desiredCount"]:
        then = f"deploy --stack={layer}" if service.fewest() is None else "service.start"
        terminal.show(f"nothing runs: ./inv {then} --env={service.here.env.name}")


@task(help={"image": _IMAGE, "layer": _LAYER})
def record(_: Context, image: str = "", layer: str = "service", env: str = "") -> None:
    """Note which image was released: what stack updates use from now on."""
    digest = _digest(image)
    _note(target.connect(env), layer, digest)
    terminal.show(f"noted {digest}")


@task(help={"layer": _LAYER})
def restart(_: Context, layer: str = "service", env: str = "") -> None:
    """Replace every task by a new one of the same kind, with none missing in between."""
    service = _running(layer, env)
    service.update(forceNewDeployment=True)
    terminal.show(f"restarted {service.name}")


@task(help={"layer": _LAYER})
def stop(_: Context, layer: str = "service", env: str = "") -> None:
    """Run no tasks, until `service.start`: what costs by the hour."""
    service = _running(layer, env)
    if service.fewest() is not None:
        service.suspend(suspended=True)
    service.update(desiredCount=0)
    terminal.show(f"stopped {service.name}")


@task(help={"layer": _LAYER})
def start(_: Context, layer: str = "service", env: str = "") -> None:
    """Run tasks again, as many as the load needs, and one at least."""
    from deployer.errors import CloudError

    service = _running(layer, env)
    fewest = service.fewest()
    if fewest is None:
        where = f"--env={service.here.env.name}"
        raise CloudError(
            f"{service.name} has no image yet",
            hint=f"./inv service.record --image=DIGEST {where}, then"
            f" ./inv deploy --stack={layer} {where}",
        )
    service.suspend(suspended=False)
    service.update(desiredCount=max(1, fewest, service.described()["desiredCount"]))
    terminal.show(f"started {service.name}")


@task(help={"layer": _LAYER, "command": "what to run there"})
def connect(_: Context, layer: str = "service", env: str = "", command: str = "/bin/bash") -> None:
    """Open a shell in a task that runs; needs AWS's session-manager-plugin, and exec = true."""
    from deployer.errors import CloudError

    plugin = port_forwarding.plugin()
    service = _running(layer, env)
    tasks = service.ecs.list_tasks(cluster=service.cluster, serviceName=service.name)
    if not tasks["taskArns"]:
        raise CloudError(
            f"{service.name} has no task that runs",
            hint=f"./inv service.start --env={service.here.env.name}",
        )
    session = service.ecs.execute_command(
        cluster=service.cluster,
        task=tasks["taskArns"][0],
        container=service.name,
        command=command,
        interactive=True,
    )["session"]
    told = [port_forwarding.RESPONSE, service.here.env.region, "StartSession"]
    processes.at_terminal(
        [plugin, *told], {port_forwarding.RESPONSE: json.dumps(session)}, aws=True
    )


def _running(layer: str, env: str) -> Running:
    """Return the service of a layer."""
    here = target.connect(env)
    _settings(here, layer)
    return Running(here, layer, here.output("cluster", "Name"), here.output(layer, "Name"))


def _settings(here: Target, layer: str) -> Settings:
    """What config says of the service; raises ConfigError if there is none of that name."""
    from deployer.errors import ConfigError

    there = project.services(here.environment)
    if layer not in there:
        raise ConfigError(f"--layer={layer}: no service", hint=f"one of: {', '.join(there)}")
    return there[layer]


def _of_status(status: str, service: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (each for each in service["deployments"] if each["status"] == status)


def _steady(service: dict[str, Any]) -> bool:
    return bool(service["runningCount"] == service["desiredCount"] and not service["pendingCount"])


def _digest(image: str) -> str:
    from deployer.errors import ConfigError

    if not _DIGEST.fullmatch(image):
        raise ConfigError(f"--image={image}: no digest of an image", hint=_IMAGE)
    return image


def _known_image(here: Target, digest: str) -> str:
    """The address of the repository; raises CloudError with ECR's words if it has no such image."""
    name = here.output("registry", "Name")
    images = [{"imageDigest": digest}]
    here.client("ecr").describe_images(repositoryName=name, imageIds=images)
    return here.output("registry", "Uri")


def _migrate(here: Target) -> None:
    """Before the code that needs it: migrations add first, and take away in a later release."""
    migrate = here.output("users", "Migrate")
    hint = f"see docs/migrations.md; {functions.log_hint('migrate', here.env.name)}"
    functions.invoke(here.account, here.env.region, migrate, {"do": "migrate"}, hint=hint)


def _with_image(service: Running, uri: str) -> str:
    """A new revision of the service's task, which differs in its image only."""
    now = service.described()["taskDefinition"]
    found = service.ecs.describe_task_definition(taskDefinition=now, include=["TAGS"])
    task = found["taskDefinition"]
    for container in task["containerDefinitions"]:
        if container["name"] == service.name:
            container["image"] = uri
    asked = service.ecs.meta.service_model.operation_model("RegisterTaskDefinition").input_shape
    kept = {name: value for name, value in task.items() if name in asked.members}
    if tags := [tag for tag in found.get("tags", ()) if not tag["key"].startswith("aws:")]:
        kept["tags"] = tags
    made = service.ecs.register_task_definition(**kept)["taskDefinition"]
    return str(made["taskDefinitionArn"])


def _note(here: Target, layer: str, digest: str) -> None:
    from stacks.parts.names import image_parameter

    name = image_parameter(here.env, _settings(here, layer).image)
    here.client("ssm").put_parameter(Name=name, Value=digest, Overwrite=True)


namespace = Collection(connect, record, release, restart, start, stop)
