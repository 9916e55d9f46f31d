"""The tasks for operations that run on stacks, or that failed."""

from __future__ import annotations

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
