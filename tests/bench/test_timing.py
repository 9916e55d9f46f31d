"""The ratios, verdicts and tables of benchmarks are correct."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.bench.timing import (
    Absent,
    Command,
    Exact,
    Line,
    Measure,
    Row,
    measure_in_turn,
    run,
    table,
)


def row(ours: list[float], peer: list[float], goal: float | None = None) -> Row:
    """Return a row of runs with these wall times in seconds."""
    sides = (tuple(Measure(wall, wall / 2, 10) for wall in side) for side in (ours, peer))
    return Row("a job", *sides, goal)


def test_ratios_are_computed_per_round() -> None:
    """A round that is slow for both sides has the same ratio as a fast one."""
    ratios = row([1, 30], [2, 60]).ratios()

    assert ratios == [0.5, 0.5]


@pytest.mark.parametrize(
    ("goal", "verdict"), [(0.5, "met"), (0.6, "met"), (0.4, "MISSED"), (None, "")]
)
def test_the_median_is_compared_with_the_goal(goal: float | None, verdict: str) -> None:
    """The median is compared with the goal, so that one slow round of three does not decide."""
    line = row([1, 1, 9], [2, 2, 2], goal)

    assert line.verdict == verdict


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
def test_cells_of_a_line(line: Line, cells: str) -> None:
    """A line has a name, ratios, goal and verdict, and the measured values."""
    text = table([line]).splitlines()[1]

    assert text.split() == cells.split()


def test_commands_run_in_turn_and_the_first_round_is_not_measured(tmp_path: Path) -> None:
    """The order is peer, ours, peer, ours, so that the load of the machine affects both sides."""
    log = tmp_path / "log"

    def runner(name: str) -> Command:
        return Command((sys.executable, "-c", ""), before=lambda: _append(log, name))

    (line,) = measure_in_turn(runner("p"), {"a job": (runner("o"), None)}, rounds=2)

    assert log.read_text() == "popopo"
    assert 2 == len(line.ours) == len(line.peer)


def test_a_failed_command_is_an_error() -> None:
    """The error has the end of its output."""
    failing = Command((sys.executable, "-c", "import sys; sys.exit('no such stack')"))

    with pytest.raises(RuntimeError, match="exited with 1:\nno such stack"):
        run(failing)


def test_cpu_time_includes_child_processes(tmp_path: Path) -> None:
    """The work of a child process is part of the CPU time of its parent."""
    work = "sum(range(2_000_000))"
    alone = run(Command((sys.executable, "-c", work)))
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}])"

    measured = run(Command((sys.executable, "-c", child)))

    assert measured.cpu > alone.cpu / 2


def _append(file: Path, text: str) -> None:
    with file.open("a") as open_file:
        open_file.write(text)
