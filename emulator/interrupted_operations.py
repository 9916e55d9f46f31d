"""Undoes stack operations that were under way when the server died, before it serves again.

AWS never forgets an operation; a killed emulator does. What it saved of the operation (because
another one was saved meanwhile) is rolled back by the emulator's own rollback:

    a create   its resources are deleted, the stack is in review again, without its change set
    an update  UPDATE_ROLLBACK_COMPLETE, with what it had before
    a delete   goes on

What was not saved is not there, and its stack is as before the operation.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from emulator import ministack

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger("emulator.interrupted_operations")
_REASON = "The emulator was killed in the middle of this operation."
_BEFORE = "_before"


def close() -> None:
    """Have every update carry what the stack had before, so that it can be undone."""
    ministack.wrap("_deploy_stack_async", _remembering)


def _remembering(deploy: Callable[..., Any]) -> Callable[..., Any]:
    async def remembering(name: str, *args: Any, **kwargs: Any) -> None:
        ministack.stacks[name][_BEFORE] = kwargs.get("previous_stack")
        await deploy(name, *args, **kwargs)
        ministack.stacks[name].pop(_BEFORE, None)

    return remembering


async def undo() -> None:
    """Bring every stack the state caught in the middle back to where a deployer can go on."""
    for (account, region, name), stack in ministack.everywhere(ministack.stacks):
        status = stack["StackStatus"]
        if status == "REVIEW_IN_PROGRESS" or not status.endswith("_IN_PROGRESS"):
            continue
        _log.warning("%s in %s was %s when the server died", name, region, status)
        with ministack.scope(account, region):
            await _undo(name, stack)
            _forget_execution(stack["StackId"])


async def _undo(name: str, stack: ministack.Stack) -> None:
    before = stack.pop(_BEFORE, None)
    if stack["StackStatus"].startswith("DELETE"):
        await ministack.delete_stack(name, stack["StackId"])
        return
    operation = _operation(stack, before)
    await ministack.roll_back(name, stack["StackId"], stack, operation, _REASON)
    if before is None and stack["StackStatus"] == "ROLLBACK_COMPLETE":
        stack.update(StackStatus="REVIEW_IN_PROGRESS", StackStatusReason=_REASON, Outputs=[])
        stack.update(_template={}, _template_body="", _resources={})


def _operation(stack: ministack.Stack, before: ministack.Stack | None) -> dict[str, Any]:
    """Return the record the emulator's rollback wants: what the operation made so far."""
    old = before["_resources"] if before else {}
    made = [name for name, resource in stack["_resources"].items() if old.get(name) != resource]
    return {
        "is_update": before is not None,
        "previous_stack": before,
        "created": made,
        "template": stack.get("_template") if before is None else before["_template"],
        "param_values": stack.get("_resolved_params") or {},
        "stack_tags": stack.get("Tags", []),
        "previous_tags": before["Tags"] if before else [],
    }


def _forget_execution(stack_id: str) -> None:
    for name, change_set in ministack.change_sets.items():
        if change_set["StackId"] == stack_id:
            ministack.change_sets.pop(name)
