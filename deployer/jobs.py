"""Runs the jobs of many stacks side by side, in one thread.

A job is a generator that yields what happens and, as a `Pause`, how long it can wait; whichever
is due is resumed. So an interrupt ends everything at once, nothing is locked, and a test that
owns the clock sees the same order every time.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Protocol, TypeAlias, TypeVar

from deployer.errors import DeployError
from deployer.events import Event, Finished, Outcome
from deployer.schedule import Schedule

T = TypeVar("T")


class Clock(Protocol):
    """Time that never jumps."""

    def now(self) -> float:
        """Seconds since some moment."""

    def sleep(self, seconds: float) -> None:
        """Come back after *seconds*."""


@dataclass(frozen=True)
class Pause:
    """There is nothing to do for so many seconds."""

    seconds: float


Work: TypeAlias = Generator[Event | Pause, None, T]
Job: TypeAlias = Work[Finished]


def backoff(first: float = 0.05, *, growth: float = 1.5, longest: float = 3.0) -> Iterator[Pause]:
    """Pauses between two looks at something that may take seconds or an hour, without end."""
    seconds = first
    while True:
        yield Pause(seconds)
        seconds = min(seconds * growth, longest)


def run_concurrently(
    needs: Mapping[str, Sequence[str]], start: Callable[[str], Job], clock: Clock, limit: int
) -> Iterator[Event]:
    """Run one job per name, each as soon as those it *needs* are done, *limit* at a time.

    A job that ends in a DeployError, or not well, has what needs it skipped; the others go on.
    """
    schedule, turn = Schedule(needs, limit), count()
    due: list[tuple[float, int, str, Job]] = []
    while True:
        for name in schedule.start():
            stopped = schedule.stopped_by(name)
            job = _skip(name, stopped) if stopped else start(name)
            heapq.heappush(due, (clock.now(), next(turn), name, job))
        if not due:
            return
        at, _, name, job = heapq.heappop(due)
        clock.sleep(max(0.0, at - clock.now()))
        item = yield from _until_pause(name, job)
        if isinstance(item, Pause):
            heapq.heappush(due, (clock.now() + item.seconds, next(turn), name, job))
        else:
            yield item
            schedule.done(name, succeeded=_carries(item))


def _until_pause(name: str, job: Job) -> Generator[Event, None, Pause | Finished]:
    """Pass on what *job* tells until it wants to wait or is over; its errors end only it."""
    try:
        while not isinstance(item := next(job), Pause):
            yield item
    except StopIteration as end:
        finished: Finished = end.value
        return finished
    except DeployError as error:
        return Finished(name, Outcome.FAILED, error.message, error=error)
    return item


def _skip(name: str, stopped: Sequence[str]) -> Job:
    yield from ()
    return Finished(name, Outcome.SKIPPED, f"it stands on {', '.join(stopped)}")


def _carries(finished: Finished) -> bool:
    """Others can stand on this stack: it is in service, and nothing went wrong with it."""
    if finished.outcome is Outcome.PENDING_REVIEW:
        return finished.found is not None and finished.found.is_complete
    return finished.outcome.succeeded
