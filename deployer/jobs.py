"""Run the jobs of many stacks concurrently, in one thread.

A job is a generator that yields events, and a `Pause` when it must wait. The job whose pause ends
first is resumed. So an interrupt ends all jobs immediately, no locks are needed, and with a fake
clock a test has the same order every time.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Protocol, TypeAlias, TypeVar, cast

from deployer.aws.cloud import DeployedStack
from deployer.errors import DeployError
from deployer.events import Event, Finished, Outcome
from deployer.schedule import Schedule

T = TypeVar("T")


class Clock(Protocol):
    """A monotonic clock."""

    def now(self) -> float:
        """Return the seconds since a fixed time."""

    def sleep(self, seconds: float) -> None:
        """Return after *seconds*."""


@dataclass(frozen=True)
class Pause:
    """A request of a job to be resumed after *seconds*."""

    seconds: float


Work: TypeAlias = Generator[Event | Pause, None, T]
Job: TypeAlias = Work[Finished]


def backoff(first: float = 0.05, *, growth: float = 1.5, longest: float = 3.0) -> Iterator[Pause]:
    """Yield growing pauses between polls of an operation that may take seconds or an hour."""
    seconds = first
    while True:
        yield Pause(seconds)
        seconds = min(seconds * growth, longest)


def complete(work: Work[T], clock: Clock) -> T:
    """Return the result of *work*, which runs alone; its events are ignored."""
    while True:
        try:
            item = next(work)
        except StopIteration as end:
            return cast("T", end.value)
        if isinstance(item, Pause):
            clock.sleep(item.seconds)


def run_concurrently(
    needs: Mapping[str, Sequence[str]],
    start: Callable[[str], Job],
    clock: Clock,
    limit: int,
    durations: Mapping[str, float] | None = None,
) -> Iterator[Event]:
    """Run one job per name, each as soon as its dependencies are done, *limit* at a time.

    *needs* maps each name to its dependencies; *start* returns the job of a name. *durations* has the
    expected seconds of jobs, as far as they are known: see `Schedule`.

    If a job raises a DeployError or does not succeed, its dependents are skipped; all other jobs
    continue.
    """
    schedule, sequence = Schedule(needs, limit, durations), count()
    due: list[tuple[float, int, str, Job]] = []
    while True:
        for name in schedule.start():
            failed = schedule.failed_dependencies(name)
            job = _skip(name, failed) if failed else start(name)
            heapq.heappush(due, (clock.now(), next(sequence), name, job))
        if not due:
            return
        at, _, name, job = heapq.heappop(due)
        clock.sleep(max(0.0, at - clock.now()))
        item = yield from _until_pause(name, job)
        if isinstance(item, Pause):
            heapq.heappush(due, (clock.now() + item.seconds, next(sequence), name, job))
        else:
            yield item
            schedule.done(name, succeeded=_allows_dependents(item))


def run_for_each(
    stacks: Sequence[DeployedStack], start: Callable[[DeployedStack], Job], clock: Clock
) -> Iterator[Event]:
    """Run one job per stack, all at the same time; stacks of different regions may have one name."""
    by_key = {f"{stack.region}/{stack.name}": stack for stack in stacks}
    needs: dict[str, Sequence[str]] = dict.fromkeys(by_key, ())

    def job(key: str) -> Job:
        stack = by_key[key]
        try:
            return (yield from start(stack))
        except DeployError as error:
            return Finished(stack.name, Outcome.FAILED, error.message, error=error)

    return run_concurrently(needs, job, clock, limit=max(1, len(by_key)))


def _until_pause(name: str, job: Job) -> Generator[Event, None, Pause | Finished]:
    """Yield the events of *job* until it pauses or ends; a DeployError ends only this job."""
    try:
        while not isinstance(item := next(job), Pause):
            yield item
    except StopIteration as end:
        finished: Finished = end.value
        return finished
    except DeployError as error:
        return Finished(name, Outcome.FAILED, error.message, error=error)
    return item


def _skip(name: str, failed: Sequence[str]) -> Job:
    yield from ()
    return Finished(name, Outcome.SKIPPED, f"it depends on {', '.join(failed)}")


def _allows_dependents(finished: Finished) -> bool:
    """Return whether dependents may be deployed: the stack is in service and nothing failed."""
    if finished.outcome is Outcome.PENDING_REVIEW:
        return finished.deployed is not None and finished.deployed.is_complete
    return finished.outcome.succeeded
