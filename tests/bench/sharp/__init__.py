"""The peer: sharp, pinned in package.json and installed below .cache/bench/ on first use."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

from tests.bench import npm
from tests.bench.timing import SCRATCH

HERE = Path(__file__).parent
HOME = SCRATCH / "sharp"

# From cameras: two of a Ricoh Theta S, which has 0.3 bytes per pixel, and one of a Canon.
LARGE = ("pannellum/YR0010029.JPG", "pannellum/YR0010041.JPG", "pannellum/test.jpg")
# Prepared for web pages.
_BLOG = "startbootstrap-clean-blog/dist/assets/img"
SMALL = tuple(f"{_BLOG}/{name}-bg.jpg" for name in ("about", "contact", "home", "post"))


@cache
def script() -> Path:
    """Install sharp; return the path of thumbnail.js, next to it. Raises NoPeer."""
    npm.install("sharp", HERE / "package.json", HOME)
    return Path(shutil.copy(HERE / "thumbnail.js", HOME))


def photographs(names: tuple[str, ...]) -> list[str]:
    """Return the paths of LARGE or SMALL. Call `script` first, which installs them."""
    return [str(HOME / "node_modules" / name) for name in names]
