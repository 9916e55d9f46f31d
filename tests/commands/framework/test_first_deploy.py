"""The first deploy of an environment to an account runs the preflight."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from commands.framework.first_deploy import check_account, is_first
from deployer.errors import GuardError
from deployer.report import PreflightResult
from tests.operations.fake_account import ENV, ENVIRONMENT, deployed_stack

OK = PreflightResult("zones", "ok", "enough")
UNKNOWN = PreflightResult("holds", "unknown", "no call reports it")
COMMAND = PreflightResult("quotas", "command", "too low", "aws service-quotas")
NETWORK = deployed_stack(ENV.stack_name("network"), {"Vpc": "vpc-1"})


def deployment(environment: Any = ENVIRONMENT) -> Any:
    """Return a deployment to the environment `x`."""
    return SimpleNamespace(environment=environment, account=None)


def find(monkeypatch: pytest.MonkeyPatch, *results: PreflightResult) -> None:
    """Let the preflight have prepared results."""

    def run(_target: Any, _checks: Any) -> Iterator[PreflightResult]:
        return iter(results)

    monkeypatch.setattr("operations.preflight.run", run)


@pytest.mark.parametrize(
    ("status", "first"),
    [
        ("CREATE_COMPLETE", False),
        ("UPDATE_ROLLBACK_COMPLETE", False),
        ("CREATE_IN_PROGRESS", False),
        ("REVIEW_IN_PROGRESS", True),
        ("ROLLBACK_COMPLETE", True),
    ],
)
def test_an_environment_with_a_stack(status: str, *, first: bool) -> None:
    """Only a stack that is in service, or becomes so, shows that the account was ready."""
    assert is_first(deployment(), [replace(NETWORK, status=status)]) is first


def test_an_empty_environment() -> None:
    """An account without a stack of the environment is checked, the emulator is not."""
    local = replace(ENVIRONMENT, env=msgspec.structs.replace(ENV, name="local"))

    assert is_first(deployment(), [])
    assert not is_first(deployment(local), [])


def test_nothing_to_fix(monkeypatch, capsys) -> None:
    """The results are on standard error, and what was not checked does not stop the deploy."""
    find(monkeypatch, OK, UNKNOWN)

    check_account(deployment(), json=False)

    assert capsys.readouterr().err.splitlines()[-1] == "1 ok, 1 not checked"


def test_something_to_fix(monkeypatch, capsys) -> None:
    """The error names the way on, after all results."""
    find(monkeypatch, OK, COMMAND)

    with pytest.raises(GuardError) as error:
        check_account(deployment(), json=True)

    assert error.value.message == (
        "x: 1 thing has to be fixed before the first deploy; nothing was changed"
    )
    assert error.value.hint == "see the table, or deploy anyway with --skip-preflight"
    assert json.loads(capsys.readouterr().err)["results"][1]["action"] == "aws service-quotas"
