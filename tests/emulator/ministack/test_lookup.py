"""MiniStack's modules and attributes are looked up when the emulator's modules are imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

from deployer.errors import EmulatorError
from emulator.ministack import lookup

CHECK = """
import ministack.services.cloudformation.handlers as handlers
import ministack.services.s3, ministack.services.sns
del ministack.services.s3._bucket_lifecycle  # Of a patch.
del ministack.services.sns.topic_policy_allows  # A function that a patch changes.
del handlers._imported_export_names  # Of the adapter.
from emulator import patches
from emulator.ministack import lookup
patches.load()
lookup.check()
"""


def test_known_version() -> None:
    """The pinned version has all modules and attributes that the emulator uses."""
    lookup.check()


def test_all_missing_attributes() -> None:
    """A version without three attributes fails at start, with one error that lists them."""
    ran = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, check=False)

    message, hint = ran.stderr.splitlines()[-2:]
    assert (
        f"deployer.errors.EmulatorError: ministack {lookup.PINNED_VERSION} has no "
        "ministack.services.cloudformation.handlers._imported_export_names, "
        "ministack.services.s3._bucket_lifecycle, "
        "ministack.services.sns.topic_policy_allows"
    ) == message
    assert f"pip install ministack=={lookup.PINNED_VERSION}" in hint


def test_missing_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing module is reported once, without the attributes that it would have."""
    monkeypatch.setattr(lookup, "_missing", [])
    absent = lookup.module("services.absent")

    lookup.attribute(absent, "_store")
    lookup.attribute(absent, "_function")

    with pytest.raises(EmulatorError) as raised:
        lookup.check()
    message = str(raised.value).splitlines()[0]
    assert message == f"ministack {lookup.PINNED_VERSION} has no module ministack.services.absent"
