"""The names of MiniStack are resolved when the emulator's modules are imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

from deployer.errors import EmulatorError
from emulator.ministack import names

CHECK = """
import ministack.services.cloudformation.handlers as handlers
import ministack.services.s3, ministack.services.sns
del ministack.services.s3._bucket_lifecycle  # Of a patch.
del ministack.services.sns.topic_policy_allows  # A function that a patch changes.
del handlers._imported_export_names  # Of the adapter.
from emulator import patches
from emulator.ministack import names
patches.load()
names.check()
"""


def test_known_version() -> None:
    """The pinned version has all names."""
    names.check()


def test_all_missing_names() -> None:
    """A version without three names fails at start, with one error that lists them."""
    ran = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, check=False)

    message, hint = ran.stderr.splitlines()[-2:]
    assert (
        f"deployer.errors.EmulatorError: ministack {names.PINNED} has no "
        "ministack.services.cloudformation.handlers._imported_export_names, "
        "ministack.services.s3._bucket_lifecycle, "
        "ministack.services.sns.topic_policy_allows"
    ) == message
    assert f"pip install ministack=={names.PINNED}" in hint


def test_missing_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing module is reported once, without the names that it would have."""
    monkeypatch.setattr(names, "_missing", [])
    absent = names.module("services.absent")

    names.name(absent, "_store")
    names.name(absent, "_function")

    with pytest.raises(EmulatorError) as raised:
        names.check()
    message = str(raised.value).splitlines()[0]
    assert f"ministack {names.PINNED} has no module ministack.services.absent" == message
