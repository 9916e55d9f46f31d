"""Follows one stack operation to its end: its events as they come, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from deployer.aws.cloud import Cloud, DeployedStack, StackEvent
from deployer.errors import BusyError, CloudError, CredentialsError, UnreachableError
from deployer.events import Progress
from deployer.jobs import Clock, Pause, Work, backoff

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.model import Line
    from deployer.model.template_tree import LogicalIds

T = TypeVar("T")
USER_INITIATED = "User Initiated"  # The reason AWS gives where there is none.


@dataclass(frozen=True)
class Watch:
    """How we look at a stack. Times are in seconds.

    *timeout* is how long one operation may take before we stop watching it, *unreachable_timeout* how long
    AWS may be out of reach meanwhile, or a stack at rest without telling of an end.
    """

    cloud: Cloud
    clock: Clock
    timeout: float = 3600.0
    unreachable_timeout: float = 600.0


@dataclass(frozen=True)
class LocatedEvent:
    """An event of a stack, or of one nested in it, whose logical ids are *path*."""

    event: StackEvent
    path: LogicalIds = ()

    @property
    def place(self) -> LogicalIds:
        """The path of the resource."""
        return self.path if self.event.of_stack else (*self.path, self.event.logical_id)


@dataclass
class Ended:
    """The end of an operation: the state of the stack, and its events.

    *since* is the time of the start. *inside* maps the id of the failure event of a nested stack
    to the failure in that stack.
    """

    found: DeployedStack
    events: list[StackEvent] = field(default_factory=list)
    kept: list[LocatedEvent] = field(default_factory=list)
    inside: dict[str, LocatedEvent] = field(default_factory=dict)
    since: datetime | None = None

    @property
    def cause(self) -> LocatedEvent | None:
        """The first failure, in the innermost nested stack whose events can be read."""
        event = _first_cause(self.events)
        return self.inside.get(event.id, LocatedEvent(event)) if event else None

    def notice(self, event: StackEvent) -> None:
        """Remember *event* where it explains the end."""
        self.since = self.since or event.at
        self.events.append(event)
        if event.status == "DELETE_SKIPPED":
            self.kept.append(LocatedEvent(event))


def _first_cause(events: Iterable[StackEvent]) -> StackEvent | None:
    """Return the first failure, of a resource if one failed; later ones are consequences.

    A cancelled resource is not a cause. If no resource fails, such as for an export in use, only
    the events of the stack itself have the reason.
    """
    known = list(events)
    failures = [event for event in known if event.failed]
    of_resources = [event for event in failures if not event.of_stack]
    causes = [event for event in of_resources if not event.cancelled]
    refusals = [event for event in known if event.of_stack and _refuses(event)]
    return next(iter(causes or of_resources or failures or refusals), None)


def _refuses(event: StackEvent) -> bool:
    return bool(event.reason) and event.reason != USER_INITIATED


def latest(watch: Watch, region: str, stack_id: str) -> str:
    """The id of a stack's newest event: what comes after it belongs to the next operation."""
    history = watch.cloud.events(region, stack_id)
    return history[-1].id if history else ""


def operation(found: DeployedStack) -> str:
    """What runs on a stack: create, update, delete or import, also where it is being undone."""
    return {"ROLLBACK": "create"}.get(first := found.status.partition("_")[0], first.lower())


def before_running(watch: Watch, found: DeployedStack) -> str:
    """The id of the event before the operation that runs on *found* began."""
    history = watch.cloud.events(found.region, found.id)
    begins = [
        position
        for position, event in enumerate(history)
        if event.of_stack and event.status == f"{operation(found).upper()}_IN_PROGRESS"
    ]
    return history[begins[-1] - 1].id if begins and begins[-1] > 0 else ""


def follow(
    watch: Watch, found: DeployedStack, after: str, lines: Mapping[LogicalIds, Line] | None = None
) -> Work[Ended]:
    """Tell every event of *found* newer than *after* until its operation is over.

    The innermost failure in a nested stack is reported before the failure of that stack.
    It is over when an event says so and the status agrees: either alone may be older than the
    other. A stack that is not found is looked for again: deleted ones are still found by id.
    Raises BusyError when *timeout* is over and UnreachableError when *unreachable_timeout* is: in both cases the
    operation goes on in AWS.
    """
    give_up = watch.clock.now() + watch.timeout
    ended, over, gone, heard = Ended(found), False, False, watch.clock.now()
    for pause in backoff():
        looked = watch.clock.now()
        events = partial(watch.cloud.events, found.region, found.id, after)
        for event in (yield from _patiently(watch, events)):
            after, heard = event.id, watch.clock.now()
            over = over or (event.of_stack and not event.status.endswith("_IN_PROGRESS"))
            ended.notice(event)
            for located in (yield from _inside(watch, ended, event)):
                yield _progress(found, located, lines or {})
            yield _progress(found, LocatedEvent(event), lines or {})
        if gone:
            break
        now = yield from _patiently(watch, partial(watch.cloud.stack, found.region, found.id))
        ended.found = now or ended.found
        if now and not now.is_busy and over:
            break
        if gone := bool(now and now.status == "DELETE_COMPLETE"):
            continue  # Its last events may have come after those that were read.
        if not ended.found.is_busy and looked > heard + watch.unreachable_timeout:
            raise UnreachableError(
                f"{found.name}: the operation is forgotten, the stack is in {ended.found.status}",
                hint="run the command again: it goes by what is there now",
            )
        if watch.clock.now() > give_up:
            raise BusyError(
                f"{found.name}: still {ended.found.status} after {watch.timeout:.0f} s",
                hint="it goes on in AWS: run the command again to follow it",
            )
        yield pause
    return ended


def _progress(
    found: DeployedStack, located: LocatedEvent, lines: Mapping[LogicalIds, Line]
) -> Progress:
    return Progress(found.name, located.event, lines.get(located.place), located.path)


def _inside(watch: Watch, ended: Ended, event: StackEvent) -> Work[tuple[LocatedEvent, ...]]:
    """Return the innermost failure in the nested stack of *event*; add kept resources to *ended*."""
    region, since = ended.found.region, ended.since or event.at
    if event.status == "DELETE_COMPLETE":
        ended.kept += yield from _kept(watch, region, LocatedEvent(event), since)
    if not event.failed or event.cancelled:
        return ()
    cause = yield from _innermost(watch, region, LocatedEvent(event), since)
    if cause.event is event:
        return ()
    ended.inside[event.id] = cause
    return (cause,)


def _innermost(
    watch: Watch, region: str, failure: LocatedEvent, since: datetime
) -> Work[LocatedEvent]:
    """Return the cause of *failure* in the nested stack that failed, at any depth."""
    history = yield from _history(watch, region, failure.event, since)
    cause = _first_cause(history)
    if cause is None:
        return failure
    return (yield from _innermost(watch, region, LocatedEvent(cause, failure.place), since))


def _kept(
    watch: Watch, region: str, deleted: LocatedEvent, since: datetime
) -> Work[list[LocatedEvent]]:
    """Return the resources in a nested stack that a DeletionPolicy kept, at any depth."""
    kept = []
    for event in (yield from _history(watch, region, deleted.event, since)):
        inner = LocatedEvent(event, deleted.place)
        if event.status == "DELETE_SKIPPED":
            kept.append(inner)
        elif event.status == "DELETE_COMPLETE":
            kept += yield from _kept(watch, region, inner, since)
    return kept


def _history(
    watch: Watch, region: str, event: StackEvent, since: datetime
) -> Work[tuple[StackEvent, ...]]:
    """Return the events of the nested stack of *event*; none if they cannot be read.

    They are read by the id of the stack: AWS finds a deleted stack by its id, not by its name.
    """
    if not event.nested_stack:
        return ()
    look = partial(watch.cloud.events_since, region, event.nested_stack, since)
    try:
        return (yield from _patiently(watch, look))
    except UnreachableError:
        raise
    except CloudError:
        return ()


def _patiently(watch: Watch, call: Callable[[], T]) -> Work[T]:
    """*call* until AWS answers: a lost answer says nothing about the operation."""
    give_up = watch.clock.now() + watch.unreachable_timeout
    while True:
        try:
            return call()
        except CredentialsError:
            raise
        except UnreachableError:
            if watch.clock.now() > give_up:
                raise
        yield Pause(2.0)
