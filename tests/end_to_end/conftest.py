"""Fixtures with copies of the checkout; their emulators are stopped after the test."""

from __future__ import annotations

import shutil

import pytest

import emulator
from tests.end_to_end import checkout as checkouts


@pytest.fixture
def checkout_folder(tmp_path_factory):
    """An empty folder for a checkout, in the same place for all tests of this process.

    So the fork server, which has imported the modules of the checkout, serves all these tests.
    """
    folder = tmp_path_factory.getbasetemp() / "checkout"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


@pytest.fixture
def checkout(checkout_folder):
    """Yield a copy of the checkout, with nothing deployed."""
    copied = checkouts.copy(checkout_folder)
    yield copied
    emulator.stop(copied.emulator)


@pytest.fixture
def tiny(checkout_folder):
    """Yield a copy of the checkout with the small stacks of tests/end_to_end/tiny/, not deployed."""
    copied = checkouts.tiny(checkout_folder)
    yield copied
    emulator.stop(copied.emulator)
