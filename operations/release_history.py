"""Find the images that each deployed service has had, to choose one for a rollback."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from operations import project, released_image

if TYPE_CHECKING:
    from deployer.aws.cloud import DeployedStack
    from deployer.report import PastRelease
    from operations.target import Target


def find(target: Target, deployed: Iterable[DeployedStack]) -> Iterator[PastRelease]:
    """Yield the releases of each service whose stack is *deployed*, the newest first."""
    from deployer.report import PastRelease

    names = {stack.name for stack in deployed if stack.outputs}
    if target.env.stack_name("service") not in names:
        return
    for name, settings in project.services(target.environment).items():
        stack = target.env.stack_name(name)
        if stack not in names:
            continue
        flag = "" if name == "service" else f" --stack={name}"
        for release in released_image.history(target, settings.image):
            task = f"service.release --image={release.digest}{flag}"
            command = project.command(task, target.environment)
            yield PastRelease(stack, release.digest, release.released_at, command)
