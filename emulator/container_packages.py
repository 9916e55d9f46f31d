"""The packages of an image: their lock, which labels of the image identify, and their folder."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from emulator.paths import EmulatorPaths

FOLDER_LABEL = "emulator.packages.folder"  # The folder of the packages inside the container.
LOCK_LABEL = "emulator.packages.lock"  # The digest of the lock.


def package_labels(folder: str, lock: str) -> dict[str, str]:
    """Return the labels of an image with the packages of *lock* in its *folder*."""
    return {FOLDER_LABEL: folder, LOCK_LABEL: _digest(lock)}


def packages_folder(folder: Path, lock: str) -> Path:
    """Return the folder of the virtual environment for *lock*, for the emulator of *folder*.

    The Python of the virtual environment must be the one that runs the emulator.
    """
    return folder_of(EmulatorPaths(folder).packages, _digest(lock))


def folder_of(packages: Path, digest: str) -> Path:
    """Return the folder below *packages* for the lock with this digest."""
    return packages / f"{digest}-{sys.implementation.cache_tag}"


def _digest(lock: str) -> str:
    return hashlib.sha256(lock.encode()).hexdigest()
