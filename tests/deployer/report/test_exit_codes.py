"""The exit code of a run."""

from __future__ import annotations

import pytest

from deployer.errors import (
    BusyError,
    DeployError,
    GuardError,
    ManualRepairError,
    RolledBackError,
    StaleError,
    UnreachableError,
)
from deployer.events import Event, Finished, Outcome, Started
from deployer.report import exit_code


def failed(error: type[DeployError] = DeployError) -> Finished:
    return Finished("s", Outcome.FAILED, error=error("x"))


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ([], 0),
        ([Started("s", "keep", "")], 0),
        ([Finished("s", outcome) for outcome in Outcome if outcome.succeeded], 0),
        ([Finished("s", Outcome.PENDING_REVIEW), Finished("t", Outcome.SKIPPED)], 0),
        ([Finished("s", Outcome.FAILED)], 1),
        ([Finished("s", Outcome.REFUSED), failed()], 3),
        ([failed(StaleError), Finished("s", Outcome.REFUSED)], 4),
        ([failed(BusyError), failed(StaleError)], 7),
        ([failed(BusyError), failed(UnreachableError)], 8),
        ([failed(UnreachableError), failed(RolledBackError)], 5),
        ([failed(RolledBackError), failed(ManualRepairError), Finished("s", Outcome.CREATED)], 6),
        ([failed(GuardError), Finished("s", Outcome.SKIPPED)], 3),
    ],
)
def test_the_worst_outcome_decides(events: list[Event], code: int) -> None:
    """The outcome that needs most work of an operator decides; skipped stacks do not count."""
    assert code == exit_code(events)
