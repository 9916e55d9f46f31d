"""Format the change sets that were left for review, with the commands that execute and delete them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deployer.report.style import Style
from deployer.report.summary import execute_command
from deployer.report.text import clean


@dataclass(frozen=True)
class PendingChangeSet:
    """A change set of the environment *env* that can be executed."""

    stack: str
    region: str
    arn: str
    env: str


def pending_lines(change_set: PendingChangeSet, style: Style) -> Iterator[str]:
    """Yield the lines of a change set and of its commands."""
    stack = clean(change_set.stack)
    yield f"{style('yellow', 'review:')} {stack} has a change set that was not executed"
    yield f"        {_command('execute', change_set)}"
    yield f"        {_command('delete', change_set)}"


def pending_data(change_set: PendingChangeSet) -> dict[str, Any]:
    """Return a change set as plain values; `command` is that of the AWS CLI."""
    return {
        "stack": change_set.stack,
        "region": change_set.region,
        "arn": change_set.arn,
        "command": execute_command(change_set.arn, change_set.region),
        "execute_command": _command("execute", change_set),
        "delete_command": _command("delete", change_set),
    }


def _command(task: str, change_set: PendingChangeSet) -> str:
    arn, env = (shlex.quote(clean(text)) for text in (change_set.arn, change_set.env))
    return f"./inv change-set.{task} --arn={arn} --env={env}"
