"""Fixtures of the tests of access control."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import emulator


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """A folder for a server that only this test uses, below a folder that every user may enter."""
    with tempfile.TemporaryDirectory(dir="/tmp") as parent:
        Path(parent).chmod(0o755)
        folder = Path(parent) / ".emulator"
        yield folder
        emulator.stop(folder)
