"""Calling a function by hand, up to the guard; tests/end_to_end/test_story.py has the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from deployer.config.fields import Settings
from deployer.environment import Environment
from deployer.model import Env
from operations import lambdas, project


@pytest.fixture
def protected(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment with real people in it, and no functions."""
    env = Env(
        "cruddur", "crd", "x", "000000000000", "ca-central-1", "x.example.com", "Z1", protect=True
    )
    monkeypatch.setattr(project, "environment", lambda _: Environment(env, (), Path(), Settings()))


@pytest.mark.parametrize("confirm", ["", "prod", "migrate"])
def test_a_protected_environment_is_named(protected, capsys, confirm: str) -> None:
    """A sample event takes a migration back, or adds people who do not exist."""
    with pytest.raises(Exit) as ended:
        lambdas.invoke(Context(), name="migrate", event="rollback", confirm=confirm)

    assert 3 == ended.value.code
    assert "hint: if that is meant: --confirm=x\n" in capsys.readouterr().err


def test_who_names_it_goes_on(protected, capsys) -> None:
    """Here as far as there is something to call."""
    with pytest.raises(Exit):
        lambdas.invoke(Context(), name="migrate", confirm="x")

    assert "migrate: there is no such function" in capsys.readouterr().err
