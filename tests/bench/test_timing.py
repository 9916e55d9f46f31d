"""Tests of tests/bench/timing.py: what a benchmark prints is right, whatever it measures."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.bench.timing import Absent, Command, Exact, Line, Measure, Row, race, run, table


def row(ours: list[float], peer: list[float], goal: float | None = None) -> Row:
    """A row of runs that took so many seconds."""
    sides = (tuple(Measure(one, one / 2, 10) for one in side) for side in (ours, peer))
    return Row("a job", *sides, goal)


def test_a_ratio_is_of_one_round() -> None:
    """Slow rounds are slow for both: their ratio is what the quick ones have."""
    ratios = row([1, 30], [2, 60]).ratios()

    assert [0.5, 0.5] == ratios


@pytest.mark.parametrize(
    ("goal", "verdict"), [(0.5, "met"), (0.6, "met"), (0.4, "MISSED"), (None, "")]
)
def test_the_median_meets_the_goal_or_misses_it(goal: float | None, verdict: str) -> None:
    """Not the mean: one bad round of three says nothing."""
    line = row([1, 1, 9], [2, 2, 2], goal)

    assert verdict == line.verdict


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        (
            row([1, 3, 2], [2, 2, 2], 1.1),
            "a job 0.500 1.000 1.500 ≤ 1.100 met 1.000 1.00 2.000 s 2.000 s 3",
        ),
        (Exact("calls", 2, 8, "calls", 0.2), "calls 0.250 ≤ 0.200 MISSED 2 calls 8 calls"),
        (Absent("against X", "no npm"), "against X: no npm"),
    ],
)
def test_a_line_says_what_was_measured(line: Line, cells: str) -> None:
    """Name, ratios, goal and verdict, and the figures themselves."""
    text = table([line]).splitlines()[1]

    assert cells.split() == text.split()


def test_rounds_go_in_turn_and_the_first_does_not_count(tmp_path: Path) -> None:
    """Peer, ours, peer, ours: nobody has the quiet minute of the machine to himself."""
    diary = tmp_path / "diary"

    def runner(name: str) -> Command:
        return Command((sys.executable, "-c", ""), before=lambda: _append(diary, name))

    (line,) = race(runner("p"), {"a job": (runner("o"), None)}, rounds=2)

    assert "popopo" == diary.read_text()
    assert 2 == len(line.ours) == len(line.peer)


def test_a_failure_has_no_speed() -> None:
    """Its end of output is told instead."""
    failing = Command((sys.executable, "-c", "import sys; sys.exit('no such stack')"))

    with pytest.raises(RuntimeError, match="gave 1:\nno such stack"):
        run(failing)


def test_the_work_of_children_counts(tmp_path: Path) -> None:
    """A tool that lets others work is not quick for that."""
    work = "sum(range(2_000_000))"
    alone = run(Command((sys.executable, "-c", work)))
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}])"

    measured = run(Command((sys.executable, "-c", child)))

    assert measured.cpu > alone.cpu / 2


def _append(file: Path, text: str) -> None:
    with file.open("a") as open_file:
        open_file.write(text)
