"""An update tells only of what it touches, in the words of what it does: create, update, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator import ministack

Event = tuple[Any, ...]

_STACK = "AWS::CloudFormation::Stack"
_CLEANUP = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
_UPDATING = ("UPDATE_IN_PROGRESS", _CLEANUP)
_held: dict[tuple[str, str], Event] = {}  # UPDATE_IN_PROGRESS events nobody knows the truth of yet.
_new: set[tuple[str, str]] = set()  # Resources an update is creating.


def close() -> None:
    """Hold back an update's first event of a resource until it is known what happens to it."""
    ministack.wrap("_add_event", _truthful)
    ministack.wrap("_update_resource", _updating)
    ministack.wrap("_provision_resource", _creating)
    ministack.wrap("_delete_resource", _deleting)


def _truthful(add: Callable[..., None]) -> Callable[..., None]:
    def adding(
        stack_id: str, stack: str, title: str, kind: str, status: str, *rest: Any, **more: Any
    ) -> None:
        key = (stack_id, title)
        if kind == _STACK:
            add(stack_id, stack, title, kind, status, *rest, **more)
        elif status == "UPDATE_IN_PROGRESS" and not rest and not more:
            _held[key] = (stack_id, stack, title, kind, status)
        elif status == "UPDATE_COMPLETE" and key in _held:
            del _held[key]  # Nothing was done to it: CloudFormation says nothing of it.
        else:
            if held := _held.pop(key, None):
                add(*held)
            if key in _new and status in {"UPDATE_COMPLETE", "UPDATE_FAILED"}:
                _new.discard(key)
                status = status.replace("UPDATE", "CREATE")
            add(stack_id, stack, title, kind, status, *rest, **more)

    return adding


def _updating(update: Callable[..., Any]) -> Callable[..., Any]:
    def updating(kind: str, made: str, old: Any, new: Any, *rest: Any) -> Any:
        if old != new:
            _release(rest[0], rest[1], "UPDATE_IN_PROGRESS")
        return update(kind, made, old, new, *rest)

    return updating


def _creating(create: Callable[..., Any]) -> Callable[..., Any]:
    def creating(kind: str, title: str, props: Any, stack: str) -> Any:
        if key := _release(stack, title, "CREATE_IN_PROGRESS"):
            _new.add(key)
        return create(kind, title, props, stack)

    return creating


def _deleting(delete: Callable[..., None]) -> Callable[..., None]:
    """Tell of resources an update drops; the emulator deletes them silently."""

    def deleting(kind: str, made: str, props: Any, stack_name: str = "", title: str = "") -> None:
        stack = ministack.stacks.get(stack_name)
        if stack is None or stack["StackStatus"] not in _UPDATING:
            delete(kind, made, props, stack_name, title)
            return
        who = (stack["StackId"], stack_name)
        if stack["StackStatus"] != _CLEANUP:
            stack["StackStatus"] = _CLEANUP
            ministack.add_event(*who, stack_name, _STACK, _CLEANUP)
        ministack.add_event(*who, title, kind, "DELETE_IN_PROGRESS", "", made)
        delete(kind, made, props, stack_name, title)
        ministack.add_event(*who, title, kind, "DELETE_COMPLETE", "", made)

    return deleting


def _release(stack_name: str, title: str, status: str) -> tuple[str, str] | None:
    """Tell what was held back, now that it is known to be true."""
    stack = ministack.stacks.get(stack_name)
    key = (stack["StackId"], title) if stack else ("", title)
    held = _held.pop(key, None)
    if held is None:
        return None
    ministack.add_event(*held[:-1], status, "", "")
    return key
