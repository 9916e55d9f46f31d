"""`./inv emulator.status`."""

from __future__ import annotations

from pathlib import Path

import pytest

import emulator
from operations import emulator as operation


@pytest.mark.parametrize(
    ("isolation", "line"),
    [
        ("namespaces", "isolates functions by namespaces (docs/emulator.md)"),
        ("environment", "isolates functions by environment (docs/emulator.md)"),
        (None, "isolates functions by - (docs/emulator.md)"),
    ],
)
def test_isolation(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    isolation: str | None,
    line: str,
) -> None:
    """The status shows the isolation of functions."""
    status = emulator.Status(
        url=None,
        pid=None,
        since=None,
        log=Path("log"),
        ca=Path("ca"),
        state_bytes=0,
        objects_bytes=0,
        isolation=isolation,
    )
    monkeypatch.setattr(emulator, "status", lambda _: status)

    operation._show_status()

    assert line in capsys.readouterr().out.splitlines()
