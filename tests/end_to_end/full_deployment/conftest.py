"""Fixtures for tests of all stacks: each file starts from the same snapshot of one deployment.

The files of this folder run in one worker, one after the other; see tests/conftest.py.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

import emulator
from tests.end_to_end import checkout as checkouts
from tests.end_to_end.checkout import Checkout
from tests.end_to_end.deployed import describe_deployment


@dataclass(frozen=True)
class Snapshot:
    """A checkout and its stopped emulator, saved in *saved*.

    The emulator keeps its port and its paths, so one copy of a snapshot is in use at a time.
    """

    checkout: Checkout
    saved: Path

    def save(self) -> None:
        """Stop the emulator and copy the checkout."""
        emulator.stop(self.checkout.emulator)
        shutil.copytree(self.checkout.path, self.saved, symlinks=True)

    def restore(self) -> Checkout:
        """Restore the saved checkout and start its emulator, which saves its state when it stops."""
        emulator.stop(self.checkout.emulator)
        shutil.rmtree(self.checkout.path)
        shutil.copytree(self.saved, self.checkout.path, symlinks=True)
        restored = Checkout(self.checkout.path, self.checkout.home)
        emulator.pause_autosave(restored.endpoint)
        return restored


@pytest.fixture(scope="session")
def snapshot(tmp_path_factory):
    """Yield a snapshot of all stacks and the database users, without migrations and images."""
    folder = tmp_path_factory.mktemp("full_deployment")
    taken = Snapshot(checkouts.copy(folder), folder / "saved")
    try:
        emulator.pause_autosave(taken.checkout.endpoint)
        taken.checkout.run("deploy", "db.bootstrap")
        taken.save()
        yield taken
    finally:
        emulator.stop(taken.checkout.emulator)


@pytest.fixture
def restored(snapshot):
    """Yield the checkout of the snapshot, as it was saved."""
    yield snapshot.restore()
    emulator.stop(snapshot.checkout.emulator)


@pytest.fixture(scope="module")
def deployed(snapshot):
    """Yield all stacks, with a migrated database, for the tests of one file."""
    checkout = snapshot.restore()
    checkout.run("db.migrate")
    yield describe_deployment(checkout)
    emulator.stop(checkout.emulator)
