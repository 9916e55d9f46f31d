"""The tasks `up` and `down`: the whole application on the emulator."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.exceptions import Exit

from commands.emulator import reset_emulator, stop_emulator
from commands.framework import terminal
from commands.framework.task import task
from commands.framework.tools import exit_code_of_tools

if TYPE_CHECKING:
    from deployer.deployment import Deployment

LOCAL = "local"  # As in deployer/environment.py, whose import is slow.


@task()
def up(_: Context) -> None:
    """Run the whole application on the emulator; print its addresses.

    It deploys the stacks, migrates the database, adds demo accounts, releases the backend and
    publishes the site. A second run does only what is missing.
    """
    from commands.framework.open_deployment import open_deployment
    from deployer import report
    from operations import application
    from operations.target import Target

    with exit_code_of_tools(), open_deployment(LOCAL) as deployment:
        _deploy(deployment)
        target = Target(deployment.environment, deployment.account)
        _show(application.prepare_database(target))
        digest = application.build_image(target)
        released = application.released_digest(target)
        if released is None:
            application.record(target, digest)
            _deploy(deployment, [application.STACK])
        elif released != digest:
            _show(application.release(target, digest))
        application.wait_until_ready(target)
        _show(application.publish_site(target))
        style = report.style_of(sys.stdout, os.environ)
        addresses, commands = application.next_steps(target)
        print(report.next_steps(addresses, (), style=style), end="")
        print(application.sign_in_text(), end="")
        print(report.next_steps((), commands, style=style), end="")


@task(
    help={
        "reset": "also delete the data, after approval",
        "yes": "delete the data without asking for approval",
    }
)
def down(_: Context, reset: bool = False, yes: bool = False) -> None:
    """Stop the application and the emulator; keep the data."""
    if reset:
        reset_emulator(yes=yes)
    else:
        stop_emulator()


def _deploy(deployment: Deployment, stacks: Sequence[str] = ()) -> None:
    """Deploy *stacks*, or all; end the task with the exit code of a failure."""
    result = deployment.deploy(deployment.plan(stacks), jobs=4)
    if result.exit_code:
        raise Exit(code=result.exit_code)


def _show(lines: Iterable[str]) -> None:
    for line in lines:
        terminal.show(line, flush=True)
