"""Limit the events of an update to changed resources, with CREATE_*, UPDATE_* or DELETE_*."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.ministack import cloudformation
from emulator.ministack.cloudformation import Created, Props
from emulator.patches.differences import Difference

Event = tuple[Any, ...]
Key = tuple[str, str]  # The id of a stack and the logical id of a resource.

DIFFERENCES = (
    Difference(
        "An update has events only of the resources that it changes; new ones have CREATE_* "
        "events, removed ones DELETE_*.",
        source="user guide, View stack events and Stack status codes",
        ministack="UPDATE_* events of every resource, no events of removed ones, and no cleanup phase.",
        test="test_events_of_an_update",
    ),
)

_STACK = "AWS::CloudFormation::Stack"
_CLEANUP = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
_UPDATING = ("UPDATE_IN_PROGRESS", _CLEANUP)
# UPDATE_IN_PROGRESS events, held back until it is known whether the resource changes.
_pending: dict[Key, Event] = {}
_created: set[Key] = set()  # Resources that an update creates.


def install() -> None:
    """Install the patch."""
    cloudformation.add_event.around(_add_event)
    cloudformation.update_resource.before(_before_update)
    cloudformation.provision_resource.before(_before_create)
    cloudformation.delete_resource.around(_delete)


def _add_event(  # noqa: PLR0917  MiniStack's signature.
    add: Callable[..., None],
    stack_id: str,
    stack: str,
    title: str,
    kind: str,
    status: str,
    *rest: Any,
    **options: Any,
) -> None:
    key = (stack_id, title)
    if kind == _STACK:
        add(stack_id, stack, title, kind, status, *rest, **options)
    elif status == "UPDATE_IN_PROGRESS" and not rest and not options:
        _pending[key] = (stack_id, stack, title, kind, status)
    elif status == "UPDATE_COMPLETE" and key in _pending:
        del _pending[key]  # The resource is unchanged: CloudFormation has no event of it.
    else:
        if event := _pending.pop(key, None):
            add(*event)
        if key in _created and status in {"UPDATE_COMPLETE", "UPDATE_FAILED"}:
            _created.discard(key)
            status = status.replace("UPDATE", "CREATE")
        add(stack_id, stack, title, kind, status, *rest, **options)


def _before_update(
    _kind: str, _id: str, old: Props, new: Props, stack: str, title: str = "", *_rest: Any
) -> Created | None:
    if old != new:
        _add_pending(stack, title, "UPDATE_IN_PROGRESS")
    return None


def _before_create(_kind: str, title: str, _props: Any, stack: str) -> Created | None:
    if key := _add_pending(stack, title, "CREATE_IN_PROGRESS"):
        _created.add(key)
    return None


def _delete(  # noqa: PLR0917  MiniStack's signature.
    delete: Callable[..., None],
    kind: str,
    physical_id: str,
    props: Any,
    stack_name: str = "",
    title: str = "",
) -> None:
    """Delete a resource; during an update, add the events of the deletion, which MiniStack omits."""
    stack = cloudformation.stacks.get(stack_name)
    if stack is None or stack["StackStatus"] not in _UPDATING:
        delete(kind, physical_id, props, stack_name, title)
        return
    key = (stack["StackId"], stack_name)
    if stack["StackStatus"] != _CLEANUP:
        stack["StackStatus"] = _CLEANUP
        cloudformation.add_event(*key, stack_name, _STACK, _CLEANUP)
    cloudformation.add_event(*key, title, kind, "DELETE_IN_PROGRESS", "", physical_id)
    delete(kind, physical_id, props, stack_name, title)
    cloudformation.add_event(*key, title, kind, "DELETE_COMPLETE", "", physical_id)


def _add_pending(stack_name: str, title: str, status: str) -> Key | None:
    """Add the pending event of a resource with *status*, if there is one; return its key."""
    stack = cloudformation.stacks.get(stack_name)
    key = (stack["StackId"], title) if stack else ("", title)
    event = _pending.pop(key, None)
    if event is None:
        return None
    cloudformation.add_event(*event[:-1], status, "", "")
    return key
