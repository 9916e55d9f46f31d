"""The time limit of each file."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from migrate import clock
from migrate.clock import Clock


@pytest.mark.parametrize(
    ("end", "seconds"),
    [(None, 240), (100.0, 85), (15.0, 0), (1000.0, 240)],
)
def test_the_time_limit_of_a_file(monkeypatch, end: float | None, seconds: int) -> None:
    """A file may use the remaining time of the function, except the time to report the result."""
    monkeypatch.setattr(clock, "time", SimpleNamespace(monotonic=lambda: 0.0))

    assert seconds == Clock(end).seconds()


def test_the_clock_of_a_lambda_context(monkeypatch) -> None:
    """The clock is read from the remaining milliseconds of the Lambda context."""
    monkeypatch.setattr(clock, "time", SimpleNamespace(monotonic=lambda: 10.0))

    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 300_000)
    assert Clock(310.0) == Clock.from_context(context)
