"""Install the peers that are npm packages, pinned in a package.json, on first use."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.bench.timing import Absent


class NoPeer(Exception):  # noqa: N818  # A result rather than an error.
    """A peer cannot be installed; the text has the reason."""

    def __init__(self, peer: str, reason: str) -> None:
        super().__init__(f"{peer}: {reason}")
        self.line = Absent(f"against {peer}", f"not measured: {reason}")
        """The line of the table instead of a comparison."""


def install(peer: str, package: Path, home: Path) -> None:
    """Install the packages of *package* in *home*; again when it changes. Raises NoPeer."""
    requirements, installed = package.read_text(), home / "installed.json"
    if installed.exists() and installed.read_text() == requirements:
        return
    if not (npm := shutil.which("npm")):
        raise NoPeer(peer, "npm is not installed")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / "package.json").write_text(requirements)
    options = ("--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts")
    result = subprocess.run([npm, "install", *options], cwd=home, capture_output=True, check=False)
    if result.returncode:
        raise NoPeer(peer, "npm could not install it")
    installed.write_text(requirements)
