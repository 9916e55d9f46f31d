"""Concurrent jobs in one thread, with a clock that the test controls."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest

from deployer.aws.cloud import DeployedStack
from deployer.errors import CloudError
from deployer.events import Event, Finished, Outcome, Started
from deployer.jobs import Job, Pause, backoff, run_concurrently
from tests.fakes import REGION, FakeClock

NEEDS = {"base": [], "top": ["base"], "beside": []}
COMPLETE = DeployedStack("base", "arn", REGION, "CREATE_COMPLETE")


def job(finished: Finished, seconds: float = 1.0) -> Job:
    """Return a job that pauses once."""
    yield Started(finished.stack, "create", "")
    yield Pause(seconds)
    return finished


def results(events: Iterator[Event]) -> dict[str, Outcome]:
    """Return the outcome of each stack, in the order of their ends."""
    return {event.stack: event.outcome for event in events if isinstance(event, Finished)}


def test_pauses_grow_to_a_limit() -> None:
    """Pauses are short at first and grow to a limit, so that a slow operation needs few calls."""
    pauses = [pause.seconds for pause in islice(backoff(), 13)]

    assert pauses[:3] == pytest.approx([0.05, 0.075, 0.1125])
    assert pauses[-1] == 3.0
    assert pauses == sorted(pauses)


def test_independent_jobs_share_the_time() -> None:
    """The duration is that of the longest job."""
    clock = FakeClock()
    durations = {"a": 5.0, "b": 3.0}

    events = run_concurrently(
        {"a": [], "b": []},
        lambda name: job(Finished(name, Outcome.CREATED), durations[name]),
        clock,
        limit=2,
    )

    assert list(results(events)) == ["b", "a"]
    assert clock.now() == 5.0


@pytest.mark.parametrize(
    ("base", "top"),
    [
        (Finished("base", Outcome.CREATED), Outcome.KEPT),
        (Finished("base", Outcome.REFUSED), Outcome.SKIPPED),
        (Finished("base", Outcome.SKIPPED), Outcome.SKIPPED),
        (Finished("base", Outcome.PENDING_REVIEW), Outcome.SKIPPED),
        (Finished("base", Outcome.PENDING_REVIEW, deployed=COMPLETE), Outcome.KEPT),
    ],
)
def test_dependents_are_skipped_unless_the_dependency_is_in_service(
    base: Finished, top: Outcome
) -> None:
    """A stack with a pending change set is in service if it existed before."""
    jobs = {name: Finished(name, Outcome.KEPT) for name in NEEDS} | {"base": base}

    events = list(run_concurrently(NEEDS, lambda name: job(jobs[name]), FakeClock(), limit=3))

    assert (top, Outcome.KEPT) == (results(iter(events))["top"], results(iter(events))["beside"])


def test_an_error_ends_only_its_job_and_skips_dependents() -> None:
    """The event has the error, and the dependent names the dependency."""

    def failing(name: str) -> Job:
        if name == "base":
            raise CloudError("refused")
        return (yield from job(Finished(name, Outcome.KEPT)))

    events = list(run_concurrently(NEEDS, failing, FakeClock(), limit=3))

    finished = {event.stack: event for event in events if isinstance(event, Finished)}
    assert isinstance(finished["base"].error, CloudError)
    assert (finished["base"].outcome, finished["base"].detail) == (Outcome.FAILED, "refused")
    assert (
        finished["top"].outcome,
        finished["top"].detail,
    ) == (Outcome.SKIPPED, "it depends on base")
    assert Outcome.KEPT is finished["beside"].outcome
