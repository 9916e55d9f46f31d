"""Making an avatar, against sharp on one thread; bombs against a limit of memory."""

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
OURS, PEAK = ROOT / "tests/bench/thumbnails.py", ROOT / "tests/lambdas/thumbnail/peak_memory.py"
BOMB_MB = 25

Argv = tuple[str | Path, ...]


@dataclass(frozen=True)
class Job:
    """A kind of upload, and what we promise of it, in processor time and memory of sharp's.

    Without *cpu*, nothing is promised: it is printed.
    """

    kind: str
    cpu: float | None
    memory: float | None = None


LARGE = Job("photographs, 14 Mpx", cpu=0.90, memory=0.6)
SMALL = Job("photographs, 2.5 Mpx", cpu=1.05, memory=0.6)
AS_PNG = Job("photographs, 2.5 Mpx, as PNG", cpu=None)
MADE = (Job("3 Mpx PNG", cpu=1.15), Job("3 Mpx WebP", cpu=1.7))


def rows(rounds: int) -> Iterator[Line]:
    """JPEGs are photographs; PNG and WebP are made once, four of a kind, and bombs."""
    made = subprocess.run(_ours("make", HOME), capture_output=True, text=True, check=True, cwd=ROOT)
    files: dict[str, list[str]] = json.loads(made.stdout)
    yield from _bombs(files)
    try:
        peer: Argv = ("node", sharp.script())
    except NoPeer as absent:
        yield absent.line
        return
    small = sharp.photographs(sharp.SMALL)
    yield from _throughput(LARGE, sharp.photographs(sharp.LARGE), peer, rounds)
    yield from _throughput(SMALL, small, peer, rounds)
    yield from _throughput(AS_PNG, _said(_ours("convert", HOME, *small)), peer, rounds)
    for job in MADE:
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
    """One of many pictures in a process: its processor time stands in the columns of the clock."""
    sides = _ours("time", "4", *files), (*peer, "4", *files)
    counted = [[_processor(side) for side in sides] for _ in range(rounds + 1)][1:]
    ours, theirs = zip(*counted, strict=True)
    yield Row(f"{job.kind}, processor time", ours, theirs, job.cpu)
    if job.memory:
        used = (median(one.memory for one in side) for side in (ours, theirs))
        yield Exact(f"{job.kind}, memory", *used, "MB", job.memory)


def _quality(kind: str, file: str, peer: Argv) -> Exact:
    """How far each is from all pixels, resampled in floating point; cut by nobody."""
    subprocess.run([*peer, "0", file], check=True)
    ours, theirs = (float(line) for line in _said(_ours("error", file)))
    decibels = " and ".join(f"{20 * math.log10(255 / error):.1f}" for error in (ours, theirs))
    return Exact(f"{kind}: error of {decibels} dB", ours, theirs, "of 255", 1.0)


def _bombs(files: dict[str, list[str]]) -> Iterator[Exact]:
    for kind in ("PNG", "baseline JPEG", "progressive JPEG", "WebP"):
        said, peak = _said(
            (sys.executable, "-S", PEAK, *_ours("refuse", files[f"bomb, {kind}"][0]))
        )
        if said != "too many pixels":
            raise RuntimeError(f"a bomb, {kind}, was {said}")
        yield Exact(f"bomb, {kind}: memory, and its limit", float(peak), BOMB_MB, "MB", 1.0)


def _processor(argv: Argv) -> Measure:
    """The seconds it says, and the most memory it had."""
    seconds, peak = _said((sys.executable, "-S", PEAK, *argv))
    return Measure(float(seconds), float(seconds), float(peak))


def _said(argv: Argv) -> list[str]:
    env = os.environ | PILLOW
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(f"{argv} gave {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout.splitlines()


def _ours(*arguments: str | Path) -> Argv:
    return (sys.executable, OURS, *arguments)
