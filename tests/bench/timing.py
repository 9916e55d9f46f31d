"""Measure whole processes of this project and of another tool, the peer, and compare the times.

    row = paired("list the tasks", command("inv", "--list"), peer, goal=1.05)
    print(table([row]))

The speed of a machine may change by half within minutes, so seconds are not reliable. The ratio of two
processes that ran one after the other is more reliable, and the median of these ratios is compared
with the goal. CPU seconds include child processes that were waited for.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from statistics import median
from typing import TypeAlias

ROOT = Path(__file__).parents[2]
SCRATCH = ROOT / ".cache" / "bench"  # Ignored by git; peers are installed here, too.
PYCACHE = SCRATCH / "pycache"


@dataclass(frozen=True)
class Command:
    """A process to measure, and a function to call before each run, which is not measured."""

    argv: tuple[str, ...]
    cwd: Path = ROOT
    env: Mapping[str, str] = field(default_factory=dict)
    codes: Collection[int] = (0,)
    before: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Measure:
    """One run: wall and CPU time in seconds, and MB of the largest process."""

    wall: float
    cpu: float
    memory: float


@dataclass(frozen=True)
class Row:
    """A comparison of our run and the peer's run of each round."""

    name: str
    ours: tuple[Measure, ...]
    peer: tuple[Measure, ...]
    goal: float | None = None

    def ratios(self, attribute: str = "wall") -> list[float]:
        """Return our value divided by the value of the peer, for each round; below one, ours is lower."""
        value = attrgetter(attribute)
        return [value(ours) / value(peer) for ours, peer in zip(self.ours, self.peer, strict=True)]

    @property
    def verdict(self) -> str:
        """Whether the median of the wall ratios meets the goal; empty without a goal."""
        if self.goal is None:
            return ""
        return _verdict(median(self.ratios()), self.goal)

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells of a line of the table."""
        wall = self.ratios()
        return (
            self.name,
            *(f"{value:.3f}" for value in (min(wall), median(wall), max(wall))),
            _goal(self.goal),
            self.verdict,
            f"{median(self.ratios('cpu')):.3f}",
            f"{median(self.ratios('memory')):.2f}",
            *(
                f"{median(measure.wall for measure in side):.3f} s"
                for side in (self.ours, self.peer)
            ),
            str(len(wall)),
        )


@dataclass(frozen=True)
class Exact:
    """A comparison of two values that are the same on every run, such as numbers of calls."""

    name: str
    ours: float
    peer: float
    unit: str
    goal: float | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells of a line of the table."""
        ratio = self.ours / self.peer
        verdict = "" if self.goal is None else _verdict(ratio, self.goal)
        sides = (f"{side:.4g} {self.unit}" for side in (self.ours, self.peer))
        return (self.name, "", f"{ratio:.3f}", "", _goal(self.goal), verdict, "", "", *sides, "")


@dataclass(frozen=True)
class Absent:
    """A comparison that is not possible, and the reason."""

    name: str
    reason: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells of a line of the table."""
        return (f"{self.name}: {self.reason}", *[""] * (len(_HEADER) - 1))


Line: TypeAlias = Row | Exact | Absent


def command(
    *argv: str | Path,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    codes: Collection[int] = (0,),
    before: Callable[[], object] = lambda: None,
) -> Command:
    """Return a command with *env* added to the environment; exit codes not in *codes* are errors."""
    return Command(tuple(map(str, argv)), cwd, env or {}, codes, before)


def paired(
    name: str, ours: Command, peer: Command, *, rounds: int = 7, goal: float | None = None
) -> Row:
    """Measure *ours* and *peer* in turn, after a round for warming up."""
    (row,) = measure_in_turn(peer, {name: (ours, goal)}, rounds=rounds)
    return row


def measure_in_turn(
    peer: Command, commands: Mapping[str, tuple[Command, float | None]], *, rounds: int = 7
) -> tuple[Row, ...]:
    """Measure several commands against one peer, in turn: peer A B C, peer A B C.

    Each of *commands* has a goal or None. The first round warms caches and is not measured.
    """
    runners = [peer, *(ours for ours, _ in commands.values())]
    measured = [[run(runner) for runner in runners] for _ in _with_progress(rounds + 1)][1:]
    peers, *others = zip(*measured, strict=True)
    return tuple(
        Row(name, ours, peers, goal)
        for (name, (_, goal)), ours in zip(commands.items(), others, strict=True)
    )


def run(command: Command) -> Measure:
    """Run *command* once. Raises RuntimeError if it fails."""
    command.before()
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command.argv,
            cwd=command.cwd,
            env=_environment() | dict(command.env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in command.codes:
            output.seek(0)
            end = output.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"{' '.join(command.argv)} exited with {process.returncode}:\n{end}")
    return Measure(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / _RSS_UNITS_PER_MB)


_RSS_UNITS_PER_MB = 1024 * 1024 if sys.platform == "darwin" else 1024


def table(lines: Iterable[Line]) -> str:
    """Return all lines as text, with the minimum, median and maximum of the ratios."""
    cells = [_HEADER, *(line.cells for line in lines)]
    texts = {id(row) for row in cells if not any(row[1:])}  # Texts do not widen the first column.
    widths = [
        max(len(row[column]) for row in cells if id(row) not in texts)
        for column in range(len(_HEADER))
    ]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)


_HEADER = (
    "what", "wall × min", "median", "max", "goal", "", "cpu ×", "memory ×", "ours", "peer", "n"
)  # fmt: skip


def _goal(goal: float | None) -> str:
    return "" if goal is None else f"≤ {goal:.3f}"


def _verdict(ratio: float, goal: float) -> str:
    return "met" if ratio <= goal else "MISSED"


def _environment() -> dict[str, str]:
    """Return the environment variables, with bytecode kept so that compilation is not measured."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(PYCACHE)}


def _with_progress(rounds: int) -> Iterable[int]:
    for number in range(rounds):
        print(f"round {number} of {rounds - 1}", end="\r", file=sys.stderr, flush=True)
        yield number
    print(end="\x1b[K", file=sys.stderr)
