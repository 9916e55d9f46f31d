"""`down` asks before it deletes data."""

from __future__ import annotations

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands import application
from deployer.errors import GuardError
from operations import emulator


@pytest.fixture
def calls(monkeypatch) -> list[str]:
    """The calls of the emulator, which has data."""
    made: list[str] = []
    data = emulator.Data("folder", 1, 1, 1, is_running=True)
    monkeypatch.setattr(emulator, "data", lambda: data)
    monkeypatch.setattr(emulator, "stop", lambda: made.append("stop") or True)
    monkeypatch.setattr(emulator, "reset", lambda: made.append("reset"))
    return made


def test_down_keeps_the_data(calls, capsys) -> None:
    """Without a flag the emulator is stopped."""
    application.down(Context())

    assert (calls, capsys.readouterr().out) == (["stop"], "stopped\n")


def test_reset_is_refused_without_approval(calls, monkeypatch) -> None:
    """Without a terminal nothing is deleted, and nothing is stopped."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)

    with pytest.raises(Exit) as refused:
        application.down(Context(), reset=True)

    assert refused.value.code == GuardError.code
    assert calls == []


def test_reset(calls, capsys) -> None:
    """With --yes the data is deleted without a question."""
    application.down(Context(), reset=True, yes=True)

    assert calls == ["reset"]
    assert capsys.readouterr().out.endswith("deleted\n")
