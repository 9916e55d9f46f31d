"""A copy of the checkout that a benchmark may deploy from and write to; its path has a space."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import emulator
from tests.bench.timing import ROOT, SCRATCH

# Always the same place, so that what Python compiled is found again.
_COPY = SCRATCH / "a copy"
_LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "dist", "local")


@contextmanager
def copied() -> Iterator[Path]:
    """The folder of a fresh copy; an emulator that was started in it is stopped again."""
    _remove()
    shutil.copytree(ROOT, _COPY, ignore=_LEFT_OUT)
    try:
        yield _COPY
    finally:
        _remove()


def _remove() -> None:
    emulator.stop(_COPY / ".emulator")
    shutil.rmtree(_COPY, ignore_errors=True)
