"""The folder of the packages that the containers of an image use."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from emulator.paths import EmulatorPaths


def packages_folder(folder: Path, lock: str) -> Path:
    """Return where the emulator of *folder* expects a virtual environment with the packages of *lock*.

    The Python of the virtual environment must be the one that runs the emulator.
    """
    digest = hashlib.sha256(lock.encode()).hexdigest()
    return folder_of(EmulatorPaths(folder).packages, digest)


def folder_of(packages: Path, digest: str) -> Path:
    """Return the folder below *packages* for the lock with this digest."""
    return packages / f"{digest}-{sys.implementation.cache_tag}"
