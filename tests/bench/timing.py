"""Times whole processes in turn, and compares the two of each round. It prints, never asserts.

    row = paired("list the tasks", command("inv", "--list"), peer, goal=1.05)
    print(table([row]))

A machine's speed drifts by half within minutes, so seconds are worth little. The ratio of two
processes that ran one after the other is worth more, and the median of such ratios is what a
goal is compared with. CPU seconds count all descendants that were waited for.
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
SCRATCH = ROOT / ".cache" / "bench"  # ignored by git; peers are installed here, too
PYCACHE = SCRATCH / "pycache"


@dataclass(frozen=True)
class Command:
    """A process to be timed, and what is done ahead of each of its runs, untimed."""

    argv: tuple[str, ...]
    cwd: Path = ROOT
    env: Mapping[str, str] = field(default_factory=dict)
    codes: Collection[int] = (0,)
    before: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Measure:
    """One run: seconds of the clock, of all processors, and MB of its largest process."""

    wall: float
    cpu: float
    memory: float


@dataclass(frozen=True)
class Row:
    """A comparison: our run and the peer's of each round."""

    name: str
    ours: tuple[Measure, ...]
    peer: tuple[Measure, ...]
    goal: float | None = None

    def ratios(self, what: str = "wall") -> list[float]:
        """Ours through the peer's, by round: below one, we are faster."""
        of = attrgetter(what)
        return [of(ours) / of(peer) for ours, peer in zip(self.ours, self.peer, strict=True)]

    @property
    def verdict(self) -> str:
        """Whether the median of the wall ratios reaches the goal; empty without a goal."""
        if self.goal is None:
            return ""
        return _verdict(median(self.ratios()), self.goal)

    @property
    def cells(self) -> tuple[str, ...]:
        """A line of the table."""
        wall = self.ratios()
        return (
            self.name,
            *(f"{value:.3f}" for value in (min(wall), median(wall), max(wall))),
            _goal(self.goal),
            self.verdict,
            f"{median(self.ratios('cpu')):.3f}",
            f"{median(self.ratios('memory')):.2f}",
            *(f"{median(one.wall for one in side):.3f} s" for side in (self.ours, self.peer)),
            str(len(wall)),
        )


@dataclass(frozen=True)
class Exact:
    """A comparison of two figures that are the same on every run, such as numbers of calls."""

    name: str
    ours: float
    peer: float
    unit: str
    goal: float | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """A line of the table."""
        ratio = self.ours / self.peer
        verdict = "" if self.goal is None else _verdict(ratio, self.goal)
        sides = (f"{side:.4g} {self.unit}" for side in (self.ours, self.peer))
        return (self.name, "", f"{ratio:.3f}", "", _goal(self.goal), verdict, "", "", *sides, "")


@dataclass(frozen=True)
class Absent:
    """A comparison that could not be made, and why."""

    name: str
    why: str

    @property
    def cells(self) -> tuple[str, ...]:
        """A line of the table."""
        return (f"{self.name}: {self.why}", *[""] * (len(_HEADER) - 1))


Line: TypeAlias = Row | Exact | Absent


def command(
    *argv: str | Path,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    codes: Collection[int] = (0,),
    before: Callable[[], object] = lambda: None,
) -> Command:
    """*env* is added to ours; an exit code not among *codes* ends the benchmark."""
    return Command(tuple(map(str, argv)), cwd, env or {}, codes, before)


def paired(
    name: str, ours: Command, peer: Command, *, rounds: int = 7, goal: float | None = None
) -> Row:
    """Time *ours* and *peer* in turn, after a round that does not count."""
    (row,) = race(peer, {name: (ours, goal)}, rounds=rounds)
    return row


def race(
    peer: Command, entrants: Mapping[str, tuple[Command, float | None]], *, rounds: int = 7
) -> tuple[Row, ...]:
    """Time several commands against one peer, in turn: peer A B C, peer A B C.

    Each entrant comes with its goal. One round ahead warms caches and does not count.
    """
    runners = [peer, *(entrant for entrant, _ in entrants.values())]
    counted = [[run(runner) for runner in runners] for _ in _told(rounds + 1)][1:]
    peers, *others = zip(*counted, strict=True)
    return tuple(
        Row(name, ours, peers, goal)
        for (name, (_, goal)), ours in zip(entrants.items(), others, strict=True)
    )


def run(command: Command) -> Measure:
    """Run it once. Raises RuntimeError if it fails: the speed of a failure is no speed."""
    command.before()
    with tempfile.TemporaryFile() as output:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command.argv,
            cwd=command.cwd,
            env=_environment() | dict(command.env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in command.codes:
            output.seek(0)
            said = output.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"{' '.join(command.argv)} gave {process.returncode}:\n{said}")
    return Measure(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / _RSS_UNITS_PER_MB)


_RSS_UNITS_PER_MB = 1024 * 1024 if sys.platform == "darwin" else 1024


def table(lines: Iterable[Line]) -> str:
    """Every line as text: ratios to the peer as min, median and max."""
    cells = [_HEADER, *(line.cells for line in lines)]
    said = {id(row) for row in cells if not any(row[1:])}  # they need not widen the first column
    widths = [
        max(len(row[column]) for row in cells if id(row) not in said)
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
    """Ours, with bytecode kept: a Python that compiles on every start measures the compiler."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(PYCACHE)}


def _told(rounds: int) -> Iterable[int]:
    for number in range(rounds):
        print(f"round {number} of {rounds - 1}", end="\r", file=sys.stderr, flush=True)
        yield number
    print(end="\x1b[K", file=sys.stderr)
