"""`lambda.invoke` in a protected environment; tests/end_to_end/full_deployment/test_functions.py invokes functions."""

from __future__ import annotations

from pathlib import Path

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands import lambdas
from deployer.config.fields import Settings
from deployer.environment import Environment
from deployer.model import Env
from operations import project


@pytest.fixture
def protected(monkeypatch: pytest.MonkeyPatch) -> None:
    """A protected environment without functions."""
    env = Env(
        "cruddur", "crd", "x", "000000000000", "ca-central-1", "x.example.com", "Z1", protect=True
    )
    monkeypatch.setattr(project, "environment", lambda _: Environment(env, (), Path(), Settings()))


@pytest.mark.parametrize("confirm", ["", "prod", "migrate"])
def test_a_protected_environment_must_be_confirmed(protected, capsys, confirm: str) -> None:
    """Confirmation is required, because a sample event may change data."""
    with pytest.raises(Exit) as ended:
        lambdas.invoke(Context(), name="migrate", event="rollback", confirm=confirm)

    assert ended.value.code == 3
    assert "hint: pass --confirm=x to do it anyway\n" in capsys.readouterr().err


def test_a_confirmed_environment_is_used(protected, capsys) -> None:
    """With --confirm the environment is accepted, and the function is looked up."""
    with pytest.raises(Exit):
        lambdas.invoke(Context(), name="migrate", confirm="x")

    assert "migrate: no such function" in capsys.readouterr().err
