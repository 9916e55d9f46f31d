"""Follow one stack operation to its end: report its events, and find the cause of a failure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from deployer.aws.cloud import Cloud, DeployedStack, StackEvent
from deployer.errors import BusyError, CloudError, CredentialsError, UnreachableError
from deployer.events import OperationStarted, Progress
from deployer.jobs import Clock, Pause, Work, backoff
from deployer.model.template_tree import format_path

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.model import Line
    from deployer.model.template_tree import LogicalIds

T = TypeVar("T")
CONTINUES = "the operation continues in AWS"
FOLLOW = "rerun the command, or follow it with ./inv attach"
USER_INITIATED = "User Initiated"  # The reason in events that have no other reason.


@dataclass(frozen=True)
class Watch:
    """The account and the timeouts for following stack operations, in seconds.

    *timeout* limits how long one operation is followed. *unreachable_timeout* limits how long AWS
    may be unreachable meanwhile, and how long to wait for the last event of an operation that has
    ended according to the status of the stack. *explain* returns lines that explain the failure of a
    resource in a region, for what its reason does not say.
    """

    cloud: Cloud
    clock: Clock
    timeout: float = 3600.0
    unreachable_timeout: float = 600.0
    explain: Callable[[str, StackEvent], tuple[str, ...]] = lambda _region, _failure: ()


@dataclass(frozen=True)
class LocatedEvent:
    """An event of a stack, or of a nested stack with the logical ids *path*."""

    event: StackEvent
    path: LogicalIds = ()

    @property
    def resource_path(self) -> LogicalIds:
        """The logical ids of the nested stacks that contain the resource, then its own."""
        return self.path if self.event.of_stack else (*self.path, self.event.logical_id)


@dataclass
class OperationResult:
    """The state of a stack during and after an operation, and the events so far.

    *retained* has the resources that a DeletionPolicy kept. *nested_failures* maps the id of the
    failure event of a nested stack to the failure in that stack. *notes* maps the id of a failure to
    the lines that explain it. *since* is the time of the start.
    """

    stack: DeployedStack
    events: list[StackEvent] = field(default_factory=list)
    retained: list[LocatedEvent] = field(default_factory=list)
    nested_failures: dict[str, LocatedEvent] = field(default_factory=dict)
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    since: datetime | None = None

    @property
    def cause(self) -> LocatedEvent | None:
        """The first failure, in the innermost nested stack whose events can be read."""
        event = _first_cause(self.events)
        return self.nested_failures.get(event.id, LocatedEvent(event)) if event else None

    @property
    def explanation(self) -> str:
        """The resource and the reason of the first failure, otherwise the state of the stack."""
        if (cause := self.cause) is None:
            return self.stack.reason or self.stack.status
        type_ = "" if cause.event.of_stack else f" ({cause.event.type})"
        resource = f"{format_path(cause.resource_path)}{type_}"
        return ": ".join(filter(None, (resource, cause.event.reason)))

    def add(self, event: StackEvent) -> None:
        """Add an event, and its resource if a DeletionPolicy kept it."""
        self.since = self.since or event.at
        self.events.append(event)
        if event.status == "DELETE_SKIPPED":
            self.retained.append(LocatedEvent(event))


def follow(
    watch: Watch, stack: DeployedStack, after: str, lines: Mapping[LogicalIds, Line] | None = None
) -> Work[OperationResult]:
    """Yield every event of *stack* newer than *after* until its operation has ended.

    The innermost failure in a nested stack is yielded before the failure of that stack. The
    operation has ended when both an event and the status of the stack report the end, because one
    response can be older than the other. A stack that is not found is looked up again, since AWS finds
    even a deleted stack by its id. Raise BusyError after *timeout* and UnreachableError after
    *unreachable_timeout*; in both cases the operation continues in AWS.
    """
    deadline = watch.clock.now() + watch.timeout
    result, ended, deleted, last_event_at = OperationResult(stack), False, False, watch.clock.now()
    for pause in backoff():
        polled_at = watch.clock.now()
        read_events = partial(watch.cloud.events, stack.region, stack.id, after)
        for event in (yield from _read(watch, read_events)):
            after, last_event_at = event.id, watch.clock.now()
            ended = ended or (event.of_stack and not event.status.endswith("_IN_PROGRESS"))
            result.add(event)
            _add_notes(watch, result, event)
            for located in (yield from _nested_failures(watch, result, event)):
                _add_notes(watch, result, located.event)
                yield _progress(stack, located, lines or {})
            yield _progress(stack, LocatedEvent(event), lines or {})
        if deleted:
            break
        read_stack = partial(watch.cloud.stack, stack.region, stack.id)
        current = yield from _read(watch, read_stack)
        result.stack = current or result.stack
        if current and not current.is_busy and ended:
            break
        if deleted := bool(current and current.status == "DELETE_COMPLETE"):
            continue  # Read the events again: the last ones may be newer.
        if not result.stack.is_busy and polled_at > last_event_at + watch.unreachable_timeout:
            raise UnreachableError(
                f"{stack.name}: no event reports the end of the operation, and the stack is in "
                f"{result.stack.status}",
                hint="rerun the command, which starts from the current state",
            )
        if watch.clock.now() > deadline:
            raise BusyError(
                f"{stack.name}: still {result.stack.status} after {watch.timeout:.0f} s",
                hint=f"{CONTINUES}: {FOLLOW}",
            )
        yield pause
    return result


def latest_event(watch: Watch, region: str, stack_id: str) -> str:
    """Return the id of a stack's newest event; later events belong to the next operation."""
    history = watch.cloud.events(region, stack_id)
    return history[-1].id if history else ""


def running_operation(stack: DeployedStack) -> str:
    """Return the operation that runs or is rolled back: create, update, delete or import."""
    first_word = stack.status.partition("_")[0]
    return {"ROLLBACK": "create"}.get(first_word, first_word.lower())


def operation_started(stack: DeployedStack) -> OperationStarted:
    """Return the event for an operation that runs on *stack* already."""
    return OperationStarted(stack.name, stack.region, running_operation(stack), stack.id)


def event_before_operation(watch: Watch, stack: DeployedStack) -> str:
    """Return the id of the event before the running operation of *stack*; empty if there is none.

    An operation on a large stack can have more events than a page has. So all pages are read if the
    newest page has no event before the start of the operation.
    """
    for after in (None, ""):
        history = watch.cloud.events(stack.region, stack.id, after)
        starts = [
            position
            for position, event in enumerate(history)
            if event.of_stack and event.status == f"{running_operation(stack).upper()}_IN_PROGRESS"
        ]
        if starts and starts[-1] > 0:
            return history[starts[-1] - 1].id
    return ""


def add_nested_cause(watch: Watch, result: OperationResult) -> Work[None]:
    """Add to *result*, which has all events of its operation, the failure in a nested stack."""
    if event := _first_cause(result.events):
        since = result.events[0].at
        failure = LocatedEvent(event)
        cause = yield from _innermost_failure(watch, result.stack.region, failure, since)
        result.nested_failures[event.id] = cause


def _first_cause(events: Iterable[StackEvent]) -> StackEvent | None:
    """Return the first failure of a resource, or of the stack if no resource failed.

    Later failures are consequences, and a cancelled resource is never the cause. Some updates fail
    although no resource does, such as for an export in use; the events of the stack have the reason.
    """
    history = list(events)
    failures = [event for event in history if event.failed and not event.cancelled]
    of_resources = [event for event in failures if not event.of_stack]
    refusals = [event for event in history if event.of_stack and _has_reason(event)]
    return next(iter(of_resources or failures or refusals), None)


def _add_notes(watch: Watch, result: OperationResult, event: StackEvent) -> None:
    """Add what explains the failure of a resource, while the resource still exists."""
    is_cause = event.failed and not event.cancelled and not event.of_stack
    if is_cause and (notes := watch.explain(result.stack.region, event)):
        result.notes[event.id] = notes


def _has_reason(event: StackEvent) -> bool:
    return bool(event.reason) and event.reason != USER_INITIATED


def _progress(
    stack: DeployedStack, located: LocatedEvent, lines: Mapping[LogicalIds, Line]
) -> Progress:
    return Progress(stack.name, located.event, lines.get(located.resource_path), located.path)


def _nested_failures(
    watch: Watch, result: OperationResult, event: StackEvent
) -> Work[tuple[LocatedEvent, ...]]:
    """Return the innermost failure in the nested stack of *event*.

    Add it to *result*, and the retained resources if the nested stack was deleted.
    """
    region, since = result.stack.region, result.since or event.at
    if event.status == "DELETE_COMPLETE":
        result.retained += yield from _retained(watch, region, LocatedEvent(event), since)
    if not event.failed or event.cancelled:
        return ()
    cause = yield from _innermost_failure(watch, region, LocatedEvent(event), since)
    if cause.event is event:
        return ()
    result.nested_failures[event.id] = cause
    return (cause,)


def _innermost_failure(
    watch: Watch, region: str, failure: LocatedEvent, since: datetime
) -> Work[LocatedEvent]:
    """Return the cause of *failure* in the nested stack that failed, at any depth."""
    history = yield from _nested_events(watch, region, failure.event, since)
    cause = _first_cause(history)
    if cause is None:
        return failure
    nested = LocatedEvent(cause, failure.resource_path)
    return (yield from _innermost_failure(watch, region, nested, since))


def _retained(
    watch: Watch, region: str, deleted: LocatedEvent, since: datetime
) -> Work[list[LocatedEvent]]:
    """Return the resources in a nested stack that a DeletionPolicy kept, at any depth."""
    retained = []
    for event in (yield from _nested_events(watch, region, deleted.event, since)):
        nested = LocatedEvent(event, deleted.resource_path)
        if event.status == "DELETE_SKIPPED":
            retained.append(nested)
        elif event.status == "DELETE_COMPLETE":
            retained += yield from _retained(watch, region, nested, since)
    return retained


def _nested_events(
    watch: Watch, region: str, event: StackEvent, since: datetime
) -> Work[tuple[StackEvent, ...]]:
    """Return the events of the nested stack of *event*; none if they cannot be read.

    AWS finds a deleted stack by its id, not by its name.
    """
    if not event.nested_stack:
        return ()
    read_events = partial(watch.cloud.events_since, region, event.nested_stack, since)
    try:
        return (yield from retry_unreachable(watch, read_events))
    except UnreachableError:
        raise
    except CloudError:
        return ()


def _read(watch: Watch, call: Callable[[], T]) -> Work[T]:
    """Return the result of *call*; the hint of an error is that the operation continues."""
    try:
        return (yield from retry_unreachable(watch, call))
    except UnreachableError as error:
        raise type(error)(
            error.message, hint=f"{CONTINUES}: {error.hint}", aws_code=error.aws_code
        ) from error
    except CloudError as error:
        hint = f"{CONTINUES}: check the permissions of the credentials, then {FOLLOW}"
        raise CloudError(error.message, hint=hint, aws_code=error.aws_code) from error


def retry_unreachable(watch: Watch, call: Callable[[], T]) -> Work[T]:
    """Repeat *call* while AWS is unreachable, until *unreachable_timeout*; return its result."""
    deadline = watch.clock.now() + watch.unreachable_timeout
    while True:
        try:
            return call()
        except CredentialsError:
            raise
        except UnreachableError:
            if watch.clock.now() > deadline:
                raise
        yield Pause(2.0)
