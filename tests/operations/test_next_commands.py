"""The next commands after a deploy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from deployer.report import ManualStep
from operations import manual_steps, project
from operations.next_commands import _LOCAL_STEPS, local_steps, next_commands
from operations.target import Target
from tests.operations.fake_account import ENV, ENVIRONMENT, Account

LOCAL = replace(ENVIRONMENT, env=msgspec.structs.replace(ENV, name="local"))
USERS = ManualStep("users", "the database has only its master user", "why", "./inv db.bootstrap")
SITE = ManualStep("site", "nothing is published", "why", "./inv site.sync")
IMAGE = ManualStep(
    "image", "no image is released", "why", "./inv image.push, then ./inv service.record"
)
UNCHECKED = ManualStep("site", "could not be checked: refused", "why", "")
SHOW = ["./inv status", "./inv outputs"]


def commands(*steps: ManualStep, environment=LOCAL) -> list[str]:
    """Return the next commands if *steps* are pending."""
    return [found.command for found in next_commands(Target(environment, Account()), steps)]


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Use a project without a built site, and the default environment."""
    monkeypatch.delenv("CRUDDUR_ENV", raising=False)
    monkeypatch.setattr(project, "ROOT", tmp_path)
    return tmp_path


def test_first_deploy() -> None:
    """After the first deploy, the database needs its users and its tables."""
    assert commands(USERS) == ["./inv db.bootstrap", "./inv db.migrate", *SHOW]


def test_nothing_pending() -> None:
    """If no step is pending, the commands show what is deployed."""
    assert commands() == SHOW


def test_account() -> None:
    """The commands for an account name the environment."""
    assert commands(environment=ENVIRONMENT) == ["./inv status --env=x", "./inv outputs --env=x"]


def test_site(root: Path) -> None:
    """The site is published only if it is built."""
    before = commands(SITE)
    (root / "frontend/dist").mkdir(parents=True)

    assert before == SHOW
    assert commands(SITE) == ["./inv site.sync", *SHOW]


def test_image() -> None:
    """Without an image, the first of the commands that release one is shown."""
    assert commands(IMAGE) == ["./inv image.push", *SHOW]


def test_failed_check() -> None:
    """A step that could not be checked has no command."""
    assert commands(UNCHECKED) == SHOW


@pytest.mark.parametrize(("environment", "steps"), [(LOCAL, [USERS]), (ENVIRONMENT, [])])
def test_local_steps(monkeypatch, environment, steps: list[ManualStep]) -> None:
    """Steps are checked in the emulator only: the role of a deploy may not read an account."""
    monkeypatch.setattr(manual_steps, "pending", lambda *_: iter([USERS]))

    assert local_steps(Target(environment, Account()), ()) == steps


def test_local_checks_exist() -> None:
    """Every local step has a check."""
    assert {check.name for check in manual_steps.CHECKS} >= {*_LOCAL_STEPS}
