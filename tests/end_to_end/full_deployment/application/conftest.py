"""The running application, which all files of this folder share."""

from __future__ import annotations

import shutil

import pytest

import emulator
from operations import frontend
from tests.end_to_end.deployed import describe_deployment


@pytest.fixture(scope="package")
def running(snapshot):
    """Yield the stacks and the running application, and what `up` printed."""
    checkout = snapshot.restore()
    frontend.build_if_changed()
    generated = shutil.ignore_patterns("node_modules")
    shutil.copytree(frontend.FOLDER, checkout.path / "frontend", ignore=generated)
    output = checkout.run("up")
    yield describe_deployment(checkout), output
    emulator.stop(checkout.emulator)
