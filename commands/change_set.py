"""Execute or delete the change sets that were left for review."""

from __future__ import annotations

from invoke.context import Context
from invoke.exceptions import Exit

from commands.framework import operation_help
from commands.framework.task import task
from deployer.errors import ConfigError

_ARN = "the ARN of a change set, as `status` prints it; repeatable"


@task(
    iterable=["arn"],
    help={
        "arn": _ARN,
        "yes": "execute the change sets without asking",
        "jobs": operation_help.JOBS,
        "timeout": operation_help.TIMEOUT,
        "json": operation_help.JSON,
    },
)
def execute(
    _: Context,
    arn: list[str] | None = None,
    env: str = "",
    yes: bool = False,
    jobs: int = 4,
    timeout: int = 60,
    json: bool = False,
) -> None:
    """Execute change sets that were left for review, after approval."""
    from commands.framework.open_deployment import open_deployment
    from deployer.apply import execute_pending

    arns = _required(arn)  # Before the emulator starts.
    with open_deployment(env, json=json, yes=yes, timeout=timeout) as deployment:
        code = execute_pending(deployment, arns, jobs=jobs)
    if code:
        raise Exit(code=code)


@task(iterable=["arn"], help={"arn": _ARN})
def delete(_: Context, arn: list[str] | None = None, env: str = "") -> None:
    """Delete change sets that were left for review, and empty stacks created with them."""
    from commands.framework.open_deployment import open_deployment
    from deployer.apply import delete_pending

    arns = _required(arn)
    with open_deployment(env) as deployment:
        for change_set in delete_pending(deployment, arns):
            print(f"deleted the change set {change_set.name} of {change_set.stack}")


def _required(arns: list[str] | None) -> list[str]:
    """Return *arns*; raise ConfigError if there are none."""
    if not arns:
        raise ConfigError("--arn is required", hint="run ./inv status to see the change sets")
    return arns
