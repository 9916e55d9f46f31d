"""Creating an avatar, against sharp on one thread; and the memory for decompression bombs."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from stacks.avatars import PILLOW
from tests.bench import sharp
from tests.bench.npm import NoPeer
from tests.bench.timing import ROOT, SCRATCH, Exact, Line, Measure, Row, command, paired

HOME = SCRATCH / "thumbnail"
OURS, PEAK = (
    ROOT / "tests/bench/thumbnail_process.py",
    ROOT / "tests/lambdas/thumbnail/peak_memory.py",
)
BOMB_MB = 25

Argv = tuple[str | Path, ...]


@dataclass(frozen=True)
class Job:
    """A kind of upload, and the goals for it, relative to sharp.

    Without *cpu* there is no goal for the processor time.
    """

    kind: str
    cpu: float | None
    memory: float | None = None


LARGE = Job("photographs, 14 Mpx", cpu=0.90, memory=0.6)
SMALL = Job("photographs, 2.5 Mpx", cpu=1.05, memory=0.6)
AS_PNG = Job("photographs, 2.5 Mpx, as PNG", cpu=None)
GENERATED = (Job("3 Mpx PNG", cpu=1.15), Job("3 Mpx WebP", cpu=1.7))


def rows(rounds: int) -> Iterator[Line]:
    """Yield the rows. JPEGs are photographs; bombs, PNGs and WebPs are generated once."""
    generated = subprocess.run(
        _ours("generate", HOME), capture_output=True, text=True, check=True, cwd=ROOT
    )
    files: dict[str, list[str]] = json.loads(generated.stdout)
    yield from _bombs(files)
    try:
        peer: Argv = ("node", sharp.script())
    except NoPeer as absent:
        yield absent.line
        return
    small = sharp.photographs(sharp.SMALL)
    yield from _throughput(LARGE, sharp.photographs(sharp.LARGE), peer, rounds)
    yield from _throughput(SMALL, small, peer, rounds)
    yield from _throughput(AS_PNG, _output(_ours("convert", HOME, *small)), peer, rounds)
    for job in GENERATED:
        yield from _throughput(job, files[job.kind], peer, rounds)
    (first, *_) = small
    yield paired(
        "one of 3 Mpx, cold process",
        command(*_ours("time", "1", first)),
        command(*peer, "1", first),
        rounds=rounds,
        goal=0.70,
    )
    for kind in ("12 Mpx JPEG, square", "3 Mpx JPEG, square"):
        yield _quality(kind, files[kind][0], peer)


def _throughput(job: Job, files: list[str], peer: Argv, rounds: int) -> Iterator[Line]:
    """Yield the rows of many pictures in one process; processor time replaces the wall time."""
    sides = _ours("time", "4", *files), (*peer, "4", *files)
    measured = [[_measure(side) for side in sides] for _ in range(rounds + 1)][1:]
    ours, peers = zip(*measured, strict=True)
    yield Row(f"{job.kind}, processor time", ours, peers, job.cpu)
    if job.memory:
        used = (median(measure.memory for measure in side) for side in (ours, peers))
        yield Exact(f"{job.kind}, memory", *used, "MB", job.memory)


def _quality(kind: str, file: str, peer: Argv) -> Exact:
    """Return the row of the errors, relative to resampling in floating point without cropping."""
    subprocess.run([*peer, "0", file], check=True)
    ours, peers = (float(line) for line in _output(_ours("error", file)))
    decibels = " and ".join(f"{20 * math.log10(255 / error):.1f}" for error in (ours, peers))
    return Exact(f"{kind}: error of {decibels} dB", ours, peers, "of 255", 1.0)


def _bombs(files: dict[str, list[str]]) -> Iterator[Exact]:
    for kind in ("PNG", "baseline JPEG", "progressive JPEG", "WebP"):
        outcome, peak = _output(
            (sys.executable, "-S", PEAK, *_ours("refuse", files[f"bomb, {kind}"][0]))
        )
        if outcome != "too many pixels":
            raise RuntimeError(f"bomb, {kind}: {outcome} instead of too many pixels")
        yield Exact(f"bomb, {kind}: memory, and its limit", float(peak), BOMB_MB, "MB", 1.0)


def _measure(argv: Argv) -> Measure:
    """Run a command that prints its processor time; return that and its peak memory."""
    seconds, peak = _output((sys.executable, "-S", PEAK, *argv))
    return Measure(float(seconds), float(seconds), float(peak))


def _output(argv: Argv) -> list[str]:
    env = os.environ | PILLOW
    process = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, cwd=ROOT)
    if process.returncode:
        raise RuntimeError(f"{argv} exited with {process.returncode}:\n{process.stderr[-2000:]}")
    return process.stdout.splitlines()


def _ours(*arguments: str | Path) -> Argv:
    return (sys.executable, OURS, *arguments)
