"""The peer: sharp, pinned in package.json and installed below .cache/bench/ on first use."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

from tests.bench import npm
from tests.bench.timing import SCRATCH

HERE = Path(__file__).parent
HOME = SCRATCH / "sharp"


@cache
def script() -> Path:
    """Where thumbnail.js stands beside what it needs. Raises NoPeer."""
    npm.install("sharp", HERE / "package.json", HOME)
    return Path(shutil.copy(HERE / "thumbnail.js", HOME))
