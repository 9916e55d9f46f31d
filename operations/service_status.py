"""Find the tasks, the targets and the released image of each deployed service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from deployer.errors import CloudError, UnreachableError
from operations import project, released_image, service

if TYPE_CHECKING:
    from deployer.aws.cloud import DeployedStack
    from deployer.report import ServiceStatus
    from operations.target import Target


def find(target: Target, deployed: Iterable[DeployedStack]) -> Iterator[ServiceStatus]:
    """Yield the status of each service whose stack is *deployed*.

    Raise UnreachableError if AWS cannot be reached. The status of a service has any other error.
    """
    from deployer.report import ServiceStatus

    prefix = target.environment.prefix
    stacks = {stack.name.removeprefix(prefix): stack for stack in deployed if stack.outputs}
    if "service" not in stacks:
        return
    for name, settings in project.services(target.environment).items():
        if name not in stacks:
            continue
        try:
            yield _status(target, name, settings.image)
        except UnreachableError:
            raise
        except CloudError as error:
            yield ServiceStatus(stacks[name].name, error=error.message)


def _status(target: Target, stack: str, image: str) -> ServiceStatus:
    from deployer.report import ServiceStatus

    description = service.find(target, stack).describe()
    released = released_image.find(target, image)
    return ServiceStatus(
        stack=target.env.stack_name(stack),
        running_tasks=description["runningCount"],
        desired_tasks=description["desiredCount"],
        target_states=tuple(_target_states(target, description)),
        released_image=released.digest if released else "",
        released_at=released.released_at.isoformat(timespec="seconds") if released else "",
    )


def _target_states(target: Target, description: dict[str, Any]) -> Iterator[str]:
    """Yield the health of each target of the service, such as `healthy`."""
    client = target.client("elbv2")
    for load_balancer in description.get("loadBalancers", ()):
        response = client.describe_target_health(TargetGroupArn=load_balancer["targetGroupArn"])
        for found in response["TargetHealthDescriptions"]:
            yield found["TargetHealth"]["State"]
