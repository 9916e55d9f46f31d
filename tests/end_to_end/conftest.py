"""Fixtures with copies of the checkout; their emulators are stopped after the test."""

from __future__ import annotations

import pytest

import emulator
from tests.end_to_end import checkout as checkouts


@pytest.fixture
def checkout(tmp_path):
    """Yield a copy of the checkout, with nothing deployed."""
    copied = checkouts.copy(tmp_path)
    yield copied
    emulator.stop(copied.emulator)


@pytest.fixture
def tiny(tmp_path):
    """Yield a copy of the checkout with the small stacks of tests/end_to_end/tiny/, not deployed."""
    copied = checkouts.tiny(tmp_path)
    yield copied
    emulator.stop(copied.emulator)
