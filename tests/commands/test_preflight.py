"""`preflight` prints the results and exits with 3 if something has to be fixed."""

from __future__ import annotations

import json

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands import preflight as command
from deployer.report import PreflightResult

OK = PreflightResult("zones", "ok", "enough")
UNKNOWN = PreflightResult("quotas", "unknown", "refused")
MANUAL = PreflightResult("domain", "manual", "private", "create a public zone")


def run(monkeypatch: pytest.MonkeyPatch, *results: PreflightResult, json: bool = False) -> None:
    """Run the task with prepared results."""
    monkeypatch.setattr(command, "connect", lambda env: env)
    monkeypatch.setattr("operations.preflight.run", lambda _target, _checks: iter(results))
    command.preflight(Context(), env="x", json=json)


def test_nothing_to_fix(monkeypatch, capsys) -> None:
    """A check that was refused does not change the exit code."""
    run(monkeypatch, OK, UNKNOWN)

    assert capsys.readouterr().out.splitlines()[-1] == "1 ok, 1 not checked"


def test_something_to_fix(monkeypatch, capsys) -> None:
    """The exit code is 3, after all results are printed."""
    with pytest.raises(Exit) as error:
        run(monkeypatch, OK, MANUAL, json=True)

    assert error.value.code == 3
    assert [result["check"] for result in json.loads(capsys.readouterr().out)["results"]] == [
        "zones",
        "domain",
    ]
