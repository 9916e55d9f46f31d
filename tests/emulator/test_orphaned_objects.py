"""Files with the content of S3 objects whose bucket was not saved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emulator import orphaned_objects
from emulator.paths import EmulatorPaths
from tests.emulator.damaged_states import DAMAGED_STATES

ACCOUNT = "000000000000"


@pytest.fixture
def paths(tmp_path: Path) -> EmulatorPaths:
    """A folder with the object files of two buckets."""
    emulator_paths = EmulatorPaths(tmp_path)
    emulator_paths.create()
    for bucket in ("saved", "orphaned"):
        (emulator_paths.objects / ACCOUNT / bucket).mkdir(parents=True)
    return emulator_paths


def buckets(paths: EmulatorPaths) -> set[str]:
    """Return the names of the buckets that have a folder."""
    return {folder.name for folder in (paths.objects / ACCOUNT).iterdir()}


def test_unsaved_bucket(paths: EmulatorPaths) -> None:
    """The object files of a bucket that is not in the state are deleted."""
    keys = {f"{ACCOUNT}\0'saved'": {}}
    state = {"services": {"s3": {"buckets_meta": {"data": keys}}}}
    paths.state.write_text(json.dumps(state))

    orphaned_objects.delete(paths)

    assert buckets(paths) == {"saved"}


def test_no_state(paths: EmulatorPaths) -> None:
    """Without a state no bucket was saved, so all object files are deleted."""
    orphaned_objects.delete(paths)

    assert set() == buckets(paths)


@pytest.mark.parametrize(
    "content", [*DAMAGED_STATES, b"{}", b'{"services": {"s3": 1}}'], ids=range(12)
)
def test_damaged_state(paths: EmulatorPaths, content: bytes) -> None:
    """If the state cannot be read, nothing is deleted."""
    paths.state.write_bytes(content)

    orphaned_objects.delete(paths)

    assert buckets(paths) == {"saved", "orphaned"}
