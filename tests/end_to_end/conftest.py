"""Every test that asks for one gets a copy of the checkout, and leaves no process behind."""

from __future__ import annotations

import pytest

import emulator
from tests.end_to_end import checkout as checkouts


@pytest.fixture
def checkout(tmp_path):
    """A copy of the checkout, nothing deployed."""
    copied = checkouts.copy(tmp_path)
    yield copied
    emulator.stop(copied.emulator)


@pytest.fixture
def tiny(tmp_path):
    """A copy of the checkout with the tiny layers, nothing deployed."""
    copied = checkouts.tiny(tmp_path)
    yield copied
    emulator.stop(copied.emulator)
