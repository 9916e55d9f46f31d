"""Release, restart, stop and start an ECS service, and open a shell in one of its tasks."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deployer.errors import BusyError, CloudError, ConfigError, RolledBackError
from operations import (
    db,
    emulator,
    port_forwarding,
    processes,
    project,
    released_image,
)

if TYPE_CHECKING:
    from operations.target import Target
    from stacks.service import Settings

TIMEOUT_SECONDS = 20 * 60  # The pipeline uses the same timeout for a release.
POLL_SECONDS = 2.0
SCALABLE_TARGET = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
DIGEST_HELP = "a digest in the registry, such as sha256:… (64 hex digits)"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Service:
    """An ECS service, the *stack* that defines it, and its cluster."""

    target: Target
    stack: str
    cluster: str
    name: str

    @property
    def ecs(self) -> Any:
        """Return a client of ECS."""
        return self.target.client("ecs")

    @property
    def autoscaling(self) -> Any:
        """Return a client of Application Auto Scaling."""
        return self.target.client("application-autoscaling")

    @property
    def _resource_id(self) -> str:
        return f"service/{self.cluster}/{self.name}"

    def describe(self) -> dict[str, Any]:
        """Return the description of the service; raise CloudError if it is not active."""
        services = self.ecs.describe_services(cluster=self.cluster, services=[self.name])[
            "services"
        ]
        if not services or services[0]["status"] != "ACTIVE":
            raise CloudError(
                f"{self.name}: the service is not active",
                hint=f"run ./inv deploy --stack={self.stack} --env={self.target.env.name}",
            )
        description: dict[str, Any] = services[0]
        return description

    def min_tasks(self) -> int | None:
        """Return the minimum number of tasks; None if autoscaling is not set up yet."""
        response = self.autoscaling.describe_scalable_targets(
            **SCALABLE_TARGET, ResourceIds=[self._resource_id]
        )
        minimums = [int(target["MinCapacity"]) for target in response["ScalableTargets"]]
        return minimums[0] if minimums else None

    def set_autoscaling(self, *, suspended: bool) -> None:
        """Suspend or resume autoscaling."""
        activities = ("DynamicScalingIn", "DynamicScalingOut", "ScheduledScaling")
        self.autoscaling.register_scalable_target(
            **SCALABLE_TARGET,
            ResourceId=self._resource_id,
            SuspendedState={f"{activity}Suspended": suspended for activity in activities},
        )

    def update(self, **changes: Any) -> None:
        """Change the service, and wait until exactly the desired tasks are running.

        Raise RolledBackError if ECS rolls the deployment back or another deployment replaces it,
        and BusyError after a timeout. Shortly after the change ECS may still describe the previous
        deployment, which does not count as a rollback.
        """
        response = self.ecs.update_service(cluster=self.cluster, service=self.name, **changes)
        expected = next(_with_status("PRIMARY", response["service"]))["id"]
        deadline, is_visible = time.monotonic() + TIMEOUT_SECONDS, False
        while True:
            service = self.describe()
            primary = next(_with_status("PRIMARY", service))
            is_visible = is_visible or expected in {
                deployment["id"] for deployment in service["deployments"]
            }
            if is_visible and (
                primary["id"] != expected or primary.get("rolloutState") == "FAILED"
            ):
                reason = primary.get("rolloutStateReason", "its tasks did not start")
                hint = (
                    f"see the log of the service: ./inv logs --service --env={self.target.env.name}"
                )
                raise RolledBackError(f"{self.name}: {reason}", hint=hint)
            if is_visible and primary.get("rolloutState") == "COMPLETED" and _is_steady(service):
                return
            if time.monotonic() > deadline:
                raise BusyError(
                    f"{self.name}: the deployment is not complete after {TIMEOUT_SECONDS} seconds"
                )
            time.sleep(POLL_SECONDS)


def find(target: Target, stack: str) -> Service:
    """Return the service of *stack*; raise ConfigError if *stack* defines no service."""
    _settings(target, stack)
    return Service(target, stack, target.output("cluster", "Name"), target.output(stack, "Name"))


def release(service: Service, digest: str) -> Iterator[str]:
    """Migrate the database, deploy the image *digest* and record it; yield lines to print.

    The migrations run first: the new code may need them, and the old code must work with them too.
    """
    target = service.target
    uri = f"{_repository_with(target, digest)}@{digest}"
    db.migrate(target)
    service.update(taskDefinition=_register_task_definition(service, uri))
    record(target, service.stack, digest)
    yield f"released {uri}"
    if not service.describe()["desiredCount"]:
        has_autoscaling = service.min_tasks() is not None
        task = "service.start" if has_autoscaling else f"deploy --stack={service.stack}"
        yield f"no task is running: run ./inv {task} --env={target.env.name}"


def record(target: Target, stack: str, digest: str) -> None:
    """Store *digest* in the Parameter Store parameter that stack updates read.

    Raise CloudError if the registry has no such image.
    """
    _repository_with(target, digest)
    released_image.record(target, _settings(target, stack).image, digest)


def restart(service: Service) -> None:
    """Replace all tasks by new ones; raise CloudError if the service has no task to replace."""
    if not service.describe()["desiredCount"]:
        raise _no_task(service)
    service.update(forceNewDeployment=True)


def stop(service: Service) -> None:
    """Stop all tasks, and suspend autoscaling so that it starts none."""
    if service.min_tasks() is not None:
        service.set_autoscaling(suspended=True)
    service.update(desiredCount=0)


def start(service: Service) -> None:
    """Resume autoscaling, and start at least one task; raise CloudError if there is no image."""
    minimum = service.min_tasks()
    if minimum is None:
        env = f"--env={service.target.env.name}"
        raise CloudError(
            f"{service.name}: no image is released yet",
            hint=f"run ./inv service.record --image=DIGEST {env}, then"
            f" ./inv deploy --stack={service.stack} {env}",
        )
    service.set_autoscaling(suspended=False)
    service.update(desiredCount=max(1, minimum, service.describe()["desiredCount"]))


def open_shell(service: Service, command: str) -> int:
    """Run *command* in a task and return its exit code.

    This needs the session-manager-plugin, except in the emulator.
    """
    is_local = service.target.environment.is_local
    plugin = "" if is_local else port_forwarding.plugin()
    tasks = service.ecs.list_tasks(cluster=service.cluster, serviceName=service.name)
    if not tasks["taskArns"]:
        raise _no_task(service)
    task = tasks["taskArns"][0]
    if is_local:
        words = shlex.split(command)
        return emulator.run_in_container(task=task, container=service.name, command=words)
    session = service.ecs.execute_command(
        cluster=service.cluster,
        task=task,
        container=service.name,
        command=command,
        interactive=True,
    )["session"]
    variable = port_forwarding.SESSION_VARIABLE
    arguments = [variable, service.target.env.region, "StartSession"]
    return processes.run_interactive(
        [plugin, *arguments], {variable: json.dumps(session)}, aws=True
    )


def _no_task(service: Service) -> CloudError:
    """Return the error of an operation that needs a running task."""
    hint = f"run ./inv service.start --env={service.target.env.name}"
    return CloudError(f"{service.name}: no task is running", hint=hint)


def check_digest(image: str) -> str:
    """Return *image*; raise ConfigError if it is not a digest."""
    if not _DIGEST.fullmatch(image):
        raise ConfigError(
            f"--image={image}: not the digest of an image", hint=f"pass {DIGEST_HELP}"
        )
    return image


def _settings(target: Target, stack: str) -> Settings:
    services = project.services(target.environment)
    if stack not in services:
        raise ConfigError(f"--stack={stack}: has no service", hint=f"one of: {', '.join(services)}")
    return services[stack]


def _with_status(status: str, service: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (deployment for deployment in service["deployments"] if deployment["status"] == status)


def _is_steady(service: dict[str, Any]) -> bool:
    return bool(service["runningCount"] == service["desiredCount"] and not service["pendingCount"])


def _repository_with(target: Target, digest: str) -> str:
    """Return the URI of the repository; raise CloudError if it has no image *digest*."""
    from operations.images import registry

    name = target.output("registry", "Name")
    if not registry.find(target.client("ecr"), name, imageDigest=digest):
        raise CloudError(
            f"--image={digest}: {name} has no such image",
            hint=f"pass {DIGEST_HELP}; image.push prints it",
        )
    return target.output("registry", "Uri")


def _register_task_definition(service: Service, uri: str) -> str:
    """Register a copy of the current task definition with the image *uri*; return its ARN."""
    current = service.describe()["taskDefinition"]
    response = service.ecs.describe_task_definition(taskDefinition=current, include=["TAGS"])
    task = response["taskDefinition"]
    for container in task["containerDefinitions"]:
        if container["name"] == service.name:
            container["image"] = uri
    model = service.ecs.meta.service_model.operation_model("RegisterTaskDefinition")
    arguments = {name: task[name] for name in task if name in model.input_shape.members}
    if tags := [tag for tag in response.get("tags", ()) if not tag["key"].startswith("aws:")]:
        arguments["tags"] = tags
    registered = service.ecs.register_task_definition(**arguments)["taskDefinition"]
    return str(registered["taskDefinitionArn"])
