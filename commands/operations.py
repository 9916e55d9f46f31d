"""The tasks for operations that run on stacks, or that failed."""

from __future__ import annotations

import os
import sys

from invoke.context import Context
from invoke.exceptions import Exit

from commands.framework import operation_help
from commands.framework.task import task

_STACK = "a stack, also one removed from the code; repeatable (default: all)"


@task(
    iterable=["stack"],
    help={"stack": _STACK, "timeout": operation_help.TIMEOUT, "json": operation_help.JSON},
)
def attach(
    _: Context,
    stack: list[str] | None = None,
    env: str = "",
    timeout: int = 60,
    json: bool = False,
) -> None:
    """Follow the operations that run on stacks, as `deploy` does; change nothing."""
    from commands.framework.open_deployment import open_deployment
    from deployer import recovery

    with open_deployment(env, json=json, timeout=timeout) as deployment:
        if code := recovery.attach(deployment, stack or ()):
            raise Exit(code=code)


@task(
    iterable=["stack"],
    help={
        "stack": _STACK,
        "yes": "cancel without asking for approval",
        "timeout": operation_help.TIMEOUT,
        "json": operation_help.JSON,
    },
)
def cancel(
    _: Context,
    stack: list[str] | None = None,
    env: str = "",
    yes: bool = False,
    timeout: int = 60,
    json: bool = False,
) -> None:
    """Cancel running updates and creations, after approval.

    An update is rolled back. A stack that is being created is deleted.
    """
    from commands.framework.open_deployment import open_deployment
    from deployer import recovery

    with open_deployment(env, json=json, yes=yes, timeout=timeout) as deployment:
        if code := recovery.cancel(deployment, stack or ()):
            raise Exit(code=code)


@task(
    iterable=["stack"],
    help={
        "stack": _STACK,
        "yes": "roll back without asking for approval",
        "timeout": operation_help.TIMEOUT,
        "json": operation_help.JSON,
    },
)
def rollback(
    _: Context,
    stack: list[str] | None = None,
    env: str = "",
    yes: bool = False,
    timeout: int = 60,
    json: bool = False,
) -> None:
    """Roll back stacks in UPDATE_FAILED, or continue in UPDATE_ROLLBACK_FAILED.

    The task asks for approval, and shows what prevented an earlier rollback. It skips no resource.
    """
    from commands.framework.open_deployment import open_deployment
    from deployer import recovery

    with open_deployment(env, json=json, yes=yes, timeout=timeout) as deployment:
        if code := recovery.roll_back(deployment, stack or ()):
            raise Exit(code=code)


@task(iterable=["stack"], help={"stack": _STACK, "json": "print the history as JSON"})
def history(_: Context, stack: list[str] | None = None, env: str = "", json: bool = False) -> None:
    """List the past operations on stacks, and the released images.

    Each operation has its start, duration and outcome, and the cause of a failure.
    """
    from commands.framework.open_deployment import open_deployment
    from deployer import recovery, report
    from operations import release_history
    from operations.target import Target

    with open_deployment(env, json=json) as deployment:
        operations = recovery.history(deployment, stack or ())
        target = Target(deployment.environment, deployment.account)
        releases = list(release_history.find(target, recovery.select(deployment, stack or ())))
        style = report.style_of(sys.stdout, os.environ)
        text = (
            report.history_json(operations, releases)
            if json
            else report.history_text(operations, releases, style)
        )
        print(text, end="")
