"""The running application and the visitors of its site, which all files of this folder share."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

import emulator
from operations import demo, frontend
from tests.end_to_end.deployed import describe_deployment
from tests.end_to_end.full_deployment.application.pages import Visitor, Windows, chromium

if TYPE_CHECKING:
    from collections.abc import Iterator


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


@pytest.fixture(scope="package")
def windows(running) -> Iterator[Windows]:
    """Yield the windows of a browser. Another file has stopped and started the application."""
    deployed = describe_deployment(running[0].checkout)
    with chromium() as browser:
        yield Windows(browser, deployed)


@pytest.fixture
def silent_consoles(windows) -> Iterator[None]:
    """Require that no console reports an error or a violation of the content security policy."""
    yield
    assert windows.take_reports() == []


@pytest.fixture
def visitor(windows) -> Iterator[Visitor]:
    """Yield the window of an anonymous visitor."""
    visitor = windows.open()
    yield visitor
    windows.close(visitor)


@pytest.fixture(scope="package")
def ada(windows) -> Visitor:
    """The window of a user who signs up on the site."""
    ada = windows.open()
    ada.sign_up("Ada Lovelace", "ada")
    ada.confirm(ada.newest_code("ada@example.com"))
    ada.is_signed_in()
    return ada


@pytest.fixture(scope="package")
def andrew(windows) -> Visitor:
    """The window of a demo account, in another browser context."""
    return windows.open_as("andrewbrown@example.com", demo.PASSWORD)
