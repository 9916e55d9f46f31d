"""The commands that an operator may run after a deploy."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from operations import manual_steps, project, site

if TYPE_CHECKING:
    from deployer.aws.cloud import DeployedStack
    from deployer.report import ManualStep, NextCommand
    from operations.target import Target

# The other steps need an account: a domain, an email, a console, or a running task.
_LOCAL_STEPS = ("secrets", "users", "migrations", "image", "site")


def local_steps(target: Target, stacks: Iterable[DeployedStack]) -> list[ManualStep]:
    """Return the manual steps that are still to do in the emulator; an empty list for an account.

    For an account, run `status`: the role that deploys may not have permission for the checks.
    """
    if not target.environment.is_local:
        return []
    return list(manual_steps.pending(target, stacks, _LOCAL_STEPS))


def next_commands(target: Target, steps: Collection[ManualStep]) -> Iterator[NextCommand]:
    """Yield the commands for the pending *steps*, then the commands that show what is deployed."""
    from deployer.report import NextCommand

    def command(task: str) -> str:
        return project.command(task, target.environment)

    for step in steps:
        if step.step == "image":  # Its action is more than one command.
            yield NextCommand(command("image.push"), step.fact)
        elif _can_run(step):
            yield NextCommand(step.action, step.fact)
        if step.step == "users":
            yield NextCommand(command("db.migrate"), "the database has no tables")
    yield NextCommand(command("status"), "shows the stacks and the manual steps to do")
    yield NextCommand(command("outputs"), "prints the outputs of the stacks")


def _can_run(step: ManualStep) -> bool:
    """Return whether a task can do *step* now. To publish the site, it must be built."""
    is_built = step.step != "site" or (project.ROOT / site.FOLDER).is_dir()
    return step.action.startswith("./inv ") and is_built
