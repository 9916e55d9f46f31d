"""Follows one stack operation to its end: its events as they come, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from deployer.cloud import Cloud, Found, StackEvent
from deployer.errors import BusyError, CredentialsError, LostError
from deployer.events import Progress
from deployer.jobs import Clock, Pause, Work, pauses

if TYPE_CHECKING:
    from deployer.stack import Line

T = TypeVar("T")
USER_INITIATED = "User Initiated"  # The reason AWS gives where there is none.


@dataclass(frozen=True)
class Watch:
    """How we look at a stack. Times are in seconds.

    *timeout* is how long one operation may take before we stop watching it, *patience* how long
    AWS may be out of reach meanwhile, or a stack at rest without telling of an end.
    """

    cloud: Cloud
    clock: Clock
    timeout: float = 3600.0
    patience: float = 600.0


@dataclass
class Ended:
    """How an operation ended: the stack as it is now, and what its events told."""

    found: Found
    failures: list[StackEvent] = field(default_factory=list)
    refusals: list[StackEvent] = field(default_factory=list)
    kept: list[StackEvent] = field(default_factory=list)

    @property
    def cause(self) -> StackEvent | None:
        """What went wrong first, with a resource if with any; the rest is its consequence.

        An export in use fails nothing: the stack alone says why it goes back, or stays.
        """
        of_resources = [event for event in self.failures if not event.of_stack]
        return next(iter(of_resources or self.failures or self.refusals), None)

    def notice(self, event: StackEvent) -> None:
        """Remember *event* where it explains the end."""
        if event.failed:
            self.failures.append(event)
        elif event.of_stack and event.reason and event.reason != USER_INITIATED:
            self.refusals.append(event)
        if event.status == "DELETE_SKIPPED":
            self.kept.append(event)


def latest(watch: Watch, region: str, stack_id: str) -> str:
    """The id of a stack's newest event: what comes after it belongs to the next operation."""
    history = watch.cloud.events(region, stack_id)
    return history[-1].id if history else ""


def operation(found: Found) -> str:
    """What runs on a stack: create, update, delete or import, also where it is being undone."""
    return {"ROLLBACK": "create"}.get(first := found.status.partition("_")[0], first.lower())


def before_running(watch: Watch, found: Found) -> str:
    """The id of the event before the operation that runs on *found* began."""
    history = watch.cloud.events(found.region, found.id)
    begins = [
        position
        for position, event in enumerate(history)
        if event.of_stack and event.status == f"{operation(found).upper()}_IN_PROGRESS"
    ]
    return history[begins[-1] - 1].id if begins and begins[-1] > 0 else ""


def follow(
    watch: Watch, found: Found, after: str, lines: Mapping[str, Line] | None = None
) -> Work[Ended]:
    """Tell every event of *found* newer than *after* until its operation is over.

    It is over when an event says so and the status agrees: either alone may be older than the
    other. A stack that is not found is looked for again: deleted ones are still found by id.
    Raises BusyError when *timeout* is over and LostError when *patience* is: in both cases the
    operation goes on in AWS.
    """
    give_up = watch.clock.now() + watch.timeout
    ended, over, heard = Ended(found), False, watch.clock.now()
    for pause in pauses():
        looked = watch.clock.now()
        events = partial(watch.cloud.events, found.region, found.id, after)
        for event in (yield from _patiently(watch, events)):
            after, heard = event.id, watch.clock.now()
            over = over or (event.of_stack and not event.status.endswith("_IN_PROGRESS"))
            ended.notice(event)
            yield Progress(found.name, event, (lines or {}).get(event.logical_id))
        now = yield from _patiently(watch, partial(watch.cloud.stack, found.region, found.id))
        ended.found = now or ended.found
        if now and not now.busy and (over or now.status == "DELETE_COMPLETE"):
            break
        if not ended.found.busy and looked > heard + watch.patience:
            raise LostError(
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


def _patiently(watch: Watch, call: Callable[[], T]) -> Work[T]:
    """*call* until AWS answers: a lost answer says nothing about the operation."""
    give_up = watch.clock.now() + watch.patience
    while True:
        try:
            return call()
        except CredentialsError:
            raise
        except LostError:
            if watch.clock.now() > give_up:
                raise
        yield Pause(2.0)
