"""The time limit of each file."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from migrate import time_limit
from migrate.time_limit import TimeLimit


@pytest.mark.parametrize(
    ("end", "seconds"),
    [(None, 240), (100.0, 85), (15.0, 0), (1000.0, 240)],
)
def test_the_time_limit_of_a_file(monkeypatch, end: float | None, seconds: int) -> None:
    """A file may use the remaining time of the function, except the time to report the result."""
    monkeypatch.setattr(time_limit, "time", SimpleNamespace(monotonic=lambda: 0.0))

    assert seconds == TimeLimit(end).file_seconds()


def test_the_limit_of_a_lambda_context(monkeypatch) -> None:
    """The limit is read from the remaining milliseconds of the Lambda context."""
    monkeypatch.setattr(time_limit, "time", SimpleNamespace(monotonic=lambda: 10.0))

    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 300_000)
    assert TimeLimit(310.0) == TimeLimit.from_context(context)
