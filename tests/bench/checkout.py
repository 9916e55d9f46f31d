"""A copy of the checkout for benchmarks that deploy or write files; its path has a space."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import emulator
from tests.bench.timing import ROOT, SCRATCH

# Always the same folder, so that Python finds its bytecode.
_COPY = SCRATCH / "a copy"
_IGNORED = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "dist", "local")


@contextmanager
def copied() -> Iterator[Path]:
    """Yield the folder of a new copy; stop its emulator and remove it at the end."""
    _remove()
    shutil.copytree(ROOT, _COPY, ignore=_IGNORED)
    try:
        yield _COPY
    finally:
        _remove()


def _remove() -> None:
    emulator.stop(_COPY / ".emulator")
    shutil.rmtree(_COPY, ignore_errors=True)
