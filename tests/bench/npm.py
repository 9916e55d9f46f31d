"""Peers that come from npm, pinned in a package.json, installed on first use."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.bench.timing import Absent


class NoPeer(Exception):  # noqa: N818  # it is an answer more than an error
    """A peer cannot be had here, and why."""

    def __init__(self, peer: str, why: str) -> None:
        super().__init__(f"{peer}: {why}")
        self.line = Absent(f"against {peer}", f"not measured: {why}")
        """What the table says instead of a comparison."""


def install(peer: str, package: Path, home: Path) -> None:
    """Have in *home* exactly what *package* says, made anew when that changes. Raises NoPeer."""
    wanted, done = package.read_text(), home / "installed.json"
    if done.exists() and done.read_text() == wanted:
        return
    if not (npm := shutil.which("npm")):
        raise NoPeer(peer, "npm is not installed")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / "package.json").write_text(wanted)
    options = ("--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts")
    result = subprocess.run([npm, "install", *options], cwd=home, capture_output=True, check=False)
    if result.returncode:
        raise NoPeer(peer, "npm could not install it")
    done.write_text(wanted)
