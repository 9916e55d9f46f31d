"""The peer: sharp, pinned in package.json and installed below .cache/bench/ on first use."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

from tests.bench import npm
from tests.bench.timing import SCRATCH

HERE = Path(__file__).parent
HOME = SCRATCH / "sharp"

# As cameras wrote them: two of a Ricoh Theta S with its 0.3 bytes a pixel, one of a Canon.
LARGE = ("pannellum/YR0010029.JPG", "pannellum/YR0010041.JPG", "pannellum/test.jpg")
# As they are put on the web.
_BLOG = "startbootstrap-clean-blog/dist/assets/img"
SMALL = tuple(f"{_BLOG}/{name}-bg.jpg" for name in ("about", "contact", "home", "post"))


@cache
def script() -> Path:
    """Where thumbnail.js stands beside what it needs. Raises NoPeer."""
    npm.install("sharp", HERE / "package.json", HOME)
    return Path(shutil.copy(HERE / "thumbnail.js", HOME))


def photographs(names: tuple[str, ...]) -> list[str]:
    """Where LARGE or SMALL are, once there is a `script`."""
    return [str(HOME / "node_modules" / name) for name in names]
