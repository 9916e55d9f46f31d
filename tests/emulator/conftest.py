"""Tests of the emulator share one server; see tests/emulator_server.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import emulator
from tests.emulator.own_emulator import OwnEmulator
from tests.emulator_server import aws, endpoint, server

__all__ = ["aws", "endpoint", "server"]


@pytest.fixture
def own_emulator(tmp_path: Path) -> Iterator[OwnEmulator]:
    """An emulator for one test, which is stopped afterwards."""
    yield OwnEmulator(tmp_path / ".emulator")
    emulator.stop(tmp_path / ".emulator")
