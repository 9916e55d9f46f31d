"""The peer: sharp, pinned in package.json and installed below .cache/bench/ on first use."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.bench.timing import SCRATCH, Absent

HERE = Path(__file__).parent
HOME = SCRATCH / "sharp"


class NoPeer(Exception):  # noqa: N818  # it is an answer more than an error
    """Sharp cannot be had here, and why."""

    @property
    def line(self) -> Absent:
        """What the table says instead of a comparison."""
        return Absent("against sharp", f"not measured: {self}")


@cache
def script() -> Path:
    """Where thumbnail.js stands beside what it needs. Raises NoPeer."""
    wanted, done = (HERE / "package.json").read_text(), HOME / "installed.json"
    if not done.exists() or done.read_text() != wanted:
        _install()
        done.write_text(wanted)
    return Path(shutil.copy(HERE / "thumbnail.js", HOME))


def _install() -> None:
    if not (npm := shutil.which("npm")):
        raise NoPeer("npm is not installed")
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    shutil.copy(HERE / "package.json", HOME)
    options = ("--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts")
    result = subprocess.run([npm, "install", *options], cwd=HOME, capture_output=True, check=False)
    if result.returncode:
        raise NoPeer("npm could not install it")
