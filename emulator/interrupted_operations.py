"""Roll back stack operations that were in progress when the server was killed.

AWS finishes every operation; a killed emulator cannot. If the state was saved during an operation
(because another operation ended), MiniStack's own rollback is used at the next start:

    create  The resources are deleted. The stack is REVIEW_IN_PROGRESS, without its change set.
    update  The stack is UPDATE_ROLLBACK_COMPLETE, with its previous resources.
    delete  The deletion is continued.

If the state was not saved during an operation, the stack is in its state before the operation.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from emulator.ministack import cloudformation, context

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger("emulator.interrupted_operations")
_REASON = "The emulator was killed in the middle of this operation."
_PREVIOUS = "_before"  # In the record of a stack: the stack before the update.


def install() -> None:
    """Store the previous stack with each update, so that the update can be rolled back."""
    cloudformation.deploy_stack.around(_deploy)


async def _deploy(deploy: Callable[..., Any], name: str, *args: Any, **kwargs: Any) -> None:
    cloudformation.stacks[name][_PREVIOUS] = kwargs.get("previous_stack")
    await deploy(name, *args, **kwargs)
    cloudformation.stacks[name].pop(_PREVIOUS, None)


async def roll_back() -> None:
    """Roll back, or finish deleting, every stack whose saved status is in progress."""
    for (account, region, name), stack in context.items_of_all_accounts(cloudformation.stacks):
        status = stack["StackStatus"]
        if status == "REVIEW_IN_PROGRESS" or not status.endswith("_IN_PROGRESS"):
            continue
        _log.warning("%s in %s was %s when the server was killed", name, region, status)
        with context.scope(account, region):
            await _roll_back(name, stack)
            _delete_change_set(stack["StackId"])


async def _roll_back(name: str, stack: cloudformation.Stack) -> None:
    previous = stack.pop(_PREVIOUS, None)
    if stack["StackStatus"].startswith("DELETE"):
        await cloudformation.delete_stack(name, stack["StackId"])
        return
    operation = _operation(stack, previous)
    await cloudformation.roll_back(name, stack["StackId"], stack, operation, _REASON)
    if previous is None and stack["StackStatus"] == "ROLLBACK_COMPLETE":
        stack.update(StackStatus="REVIEW_IN_PROGRESS", StackStatusReason=_REASON, Outputs=[])
        stack.update(_template={}, _template_body="", _resources={})


def _operation(
    stack: cloudformation.Stack, previous: cloudformation.Stack | None
) -> dict[str, Any]:
    """Return the interrupted operation, as MiniStack's rollback requires it."""
    previous_resources = previous["_resources"] if previous else {}
    created = [
        name
        for name, resource in stack["_resources"].items()
        if previous_resources.get(name) != resource
    ]
    return {
        "is_update": previous is not None,
        "previous_stack": previous,
        "created": created,
        "template": stack.get("_template") if previous is None else previous["_template"],
        "param_values": stack.get("_resolved_params") or {},
        "stack_tags": stack.get("Tags", []),
        "previous_tags": previous["Tags"] if previous else [],
    }


def _delete_change_set(stack_id: str) -> None:
    """Delete the executed change set of a stack."""
    for name, change_set in cloudformation.change_sets.items():
        if change_set["StackId"] == stack_id:
            cloudformation.change_sets.pop(name)
