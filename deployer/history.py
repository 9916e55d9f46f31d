"""The past operations of a stack, with duration, outcome and cause, from its events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deployer.aws.cloud import Cloud, DeployedStack, StackEvent
from deployer.errors import CloudError
from deployer.follow import OperationResult, Watch, add_nested_cause, retry_unreachable
from deployer.jobs import Work

if TYPE_CHECKING:
    from datetime import datetime

_RECENT_EVENTS = 100  # One page.
MAX_EVENTS = 1000  # Per stack. AWS keeps events for 90 days after a stack is deleted.
_SUCCESS = {
    ("create", "CREATE_COMPLETE"),
    ("update", "UPDATE_COMPLETE"),
    ("import", "IMPORT_COMPLETE"),
    ("delete", "DELETE_COMPLETE"),
    ("rollback", "ROLLBACK_COMPLETE"),
    ("rollback", "UPDATE_ROLLBACK_COMPLETE"),
}
_STARTS = {
    "CREATE_IN_PROGRESS": "create",
    "UPDATE_IN_PROGRESS": "update",
    "IMPORT_IN_PROGRESS": "import",
    "DELETE_IN_PROGRESS": "delete",
}
_ROLLBACK_STARTS = {"ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"}


@dataclass(frozen=True)
class PastOperation:
    """An operation on a stack; *ended_at* is None and *status* that of its last event if it runs.

    *cause* is why it failed, or empty.
    """

    stack: str
    region: str
    operation: str
    started_at: datetime
    ended_at: datetime | None
    status: str
    cause: str = ""

    @property
    def seconds(self) -> float | None:
        """The duration; None while the operation runs."""
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at else None

    @property
    def outcome(self) -> str:
        """One of succeeded, running, cancelled, rolled back and failed."""
        if self.ended_at is None:
            return "running"
        if self.status.endswith("_IN_PROGRESS"):  # Another operation ended this one.
            return "cancelled"
        if (self.operation, self.status) in _SUCCESS:
            return "succeeded"
        return "rolled back" if self.status.endswith("ROLLBACK_COMPLETE") else "failed"


def past_operations(watch: Watch, stack: DeployedStack) -> Work[tuple[PastOperation, ...]]:
    """Return the operations on *stack* in its newest MAX_EVENTS events, oldest first."""
    read = lambda: watch.cloud.recent_events(stack.region, stack.id, MAX_EVENTS)  # noqa: E731
    events = yield from retry_unreachable(watch, read)
    found = []
    for operation in split(stack, events):
        past = operation.past
        if past.outcome in {"failed", "rolled back"}:
            result = OperationResult(
                replace(stack, status=past.status, reason=""), list(operation.events)
            )
            yield from add_nested_cause(watch, result)
            past = replace(past, cause=result.explanation)
        found.append(past)
    return tuple(found)


def last_update_seconds(stack: DeployedStack, events: Iterable[StackEvent]) -> float | None:
    """Return how long the last successful update took; None if *events* have none."""
    updates = [
        operation.past
        for operation in split(stack, events)
        if operation.past.operation == "update" and operation.past.outcome == "succeeded"
    ]
    return updates[-1].seconds if updates else None


def update_durations(cloud: Cloud, stacks: Iterable[DeployedStack]) -> dict[str, float]:
    """Return the seconds of the last successful update of each of *stacks*, by name.

    A stack whose events have no such update, or cannot be read, is omitted.
    """
    durations = {}
    for stack in stacks:
        with suppress(CloudError):
            events = cloud.recent_events(stack.region, stack.id, _RECENT_EVENTS)
            if seconds := last_update_seconds(stack, events):
                durations[stack.name] = seconds
    return durations


@dataclass(frozen=True)
class Operation:
    """The events of one operation."""

    past: PastOperation
    events: tuple[StackEvent, ...]


def split(stack: DeployedStack, events: Iterable[StackEvent]) -> Iterator[Operation]:
    """Yield each operation in *events*, oldest first; one whose start is missing is omitted."""
    kind, found = "", list[StackEvent]()
    for event in events:
        if event.of_stack:
            starts = _start(event.status, is_running=bool(kind))
            if starts and kind:  # Such as a deletion during the creation.
                yield _operation(stack, kind, found, has_ended=True)
            if starts:
                kind, found = starts, []
        if not kind:
            continue
        found.append(event)
        if event.of_stack and not event.status.endswith("_IN_PROGRESS"):
            yield _operation(stack, kind, found, has_ended=True)
            kind, found = "", []
    if kind:
        yield _operation(stack, kind, found, has_ended=False)


def _start(status: str, *, is_running: bool) -> str:
    """Return the operation that begins with an event of the stack with *status*, or ""."""
    if status in _ROLLBACK_STARTS:
        return "" if is_running else "rollback"
    return _STARTS.get(status, "")


def _operation(
    stack: DeployedStack, kind: str, events: Sequence[StackEvent], *, has_ended: bool
) -> Operation:
    last = [event for event in events if event.of_stack][-1]
    ended_at = events[-1].at if has_ended else None
    past = PastOperation(stack.name, stack.region, kind, events[0].at, ended_at, last.status)
    return Operation(past, tuple(events))
