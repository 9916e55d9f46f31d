"""`logs` prints events since a duration, and follows the log until Ctrl-C."""

from __future__ import annotations

import time

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands.logs import logs
from tests.operations.fake_account import Account, Client, use_account
from tests.operations.test_logs import AT, SERVICE, GrowingLog, event


def test_since(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """The start is the duration before now."""
    client = Client(filter_log_events=[{"events": [event("first")]}])
    use_account(monkeypatch, Account(SERVICE, {"logs": client}))
    monkeypatch.setattr(time, "time", lambda: AT / 1000)

    logs(Context(), service=True, since="2h")

    [(_, arguments)] = client.calls
    assert arguments["startTime"] == AT - 7_200_000
    assert capsys.readouterr().out == "2023-11-14 22:13:20.123  first\n"


def test_ctrl_c_ends_follow(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """Lines are printed as they are received, and the exit code is 130."""
    log = GrowingLog([[event("a")], [event("a"), event("b")]])
    use_account(monkeypatch, Account(SERVICE, {"logs": log}))
    monkeypatch.setattr(time, "sleep", log.sleep)
    monkeypatch.setattr(time, "time", lambda: AT / 1000 + 0.0004)

    with pytest.raises(Exit) as ended:
        logs(Context(), service=True, follow=True, since="0s")

    assert ended.value.code == 130
    assert log.starts == [AT, AT]
    assert [line[25:] for line in capsys.readouterr().out.splitlines()] == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"service": True, "since": "15"}, "--since=15: not a duration"),
        ({}, "--function or --service is required"),
    ],
)
def test_errors(monkeypatch: pytest.MonkeyPatch, capsys, arguments, message: str) -> None:
    """Invalid flags are an error with a hint, and nothing is printed to stdout."""
    use_account(monkeypatch, Account(SERVICE))

    with pytest.raises(Exit):
        logs(Context(), **arguments)

    output = capsys.readouterr()
    assert f"error: {message}\nhint:" in output.err
    assert output.out == ""


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("", "no events since 15m\n"), ("\x1b", "no events that match \\x1b since 15m\n")],
)
def test_no_events(monkeypatch, capsys, pattern: str, message: str) -> None:
    """An empty log says so on standard error; standard output stays empty."""
    client = Client(filter_log_events=[{"events": []}])
    use_account(monkeypatch, Account(SERVICE, {"logs": client}))

    logs(Context(), service=True, filter=pattern)

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.endswith(message)
