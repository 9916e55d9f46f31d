"""Explain why CloudFormation refuses a change set: another operation on the stack began first."""

from __future__ import annotations

import re

from deployer.errors import BusyError, CloudError

_BUSY = re.compile(r"is in (\w+_IN_PROGRESS) state and can ?not be updated")
_STATUS = re.compile(r"status of \[(\w+)\]")
_MISSING_STACK = re.compile(r"Stack (\[\S+\]|with id \S+) does not exist")
_MISSING = "ChangeSetNotFound"
_INVALID_STATUS = "InvalidChangeSetStatus"
_EXECUTED = {"EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE"}


def is_executed(error: CloudError) -> bool:
    """Return whether AWS refuses to execute a change set because it is, or was, executed.

    AWS responds so to a repeated call if the response to the first call was lost.
    """
    status = _STATUS.search(error.message)
    is_status_error = error.aws_code.startswith(_INVALID_STATUS)
    return is_status_error and status is not None and status[1] in _EXECUTED


def explained(error: CloudError, stack: str) -> CloudError:
    """Return *error*, or a BusyError that explains it if another operation on *stack* began first."""
    if busy := _BUSY.search(error.message):
        return BusyError(
            f"{stack}: another operation has started, and the stack is in {busy[1]}",
            hint="rerun the command to follow the operation and to plan the remaining changes",
        )
    if error.aws_code.startswith(_INVALID_STATUS):
        return BusyError(
            f"{stack}: the stack was changed after the change set was created: {error.message}",
            hint="rerun the command: it creates a change set from the current state",
        )
    if error.aws_code.startswith(_MISSING) or _MISSING_STACK.search(error.message):
        return CloudError(
            f"{stack}: the stack or its change set was deleted before it was executed",
            hint="find out who deleted it, then rerun the command: it plans again",
            aws_code=error.aws_code,
        )
    return error
