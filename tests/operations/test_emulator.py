"""The status and the reset of the emulator."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

import emulator
from operations import emulator as operation
from operations import project


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


class Stdin(io.StringIO):
    """Standard input with typed text, at a terminal or not."""

    def __init__(self, typed: str, *, terminal: bool) -> None:
        super().__init__(typed)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch):
    """Return a function that replaces standard input."""

    def type_(typed: str, *, terminal: bool) -> None:
        monkeypatch.setattr("sys.stdin", Stdin(typed, terminal=terminal))

    return type_


@pytest.fixture
def reset(monkeypatch: pytest.MonkeyPatch, tmp_path):
    """Return the deletions of a reset, with the emulator in a folder of the test."""
    folder = tmp_path / ".emulator"
    folder.mkdir()
    (folder / "objects").mkdir()
    (folder / "objects" / "one").write_text("precious")
    deleted: list[object] = []
    monkeypatch.setattr(emulator, "reset", deleted.append)
    existing = project.project()
    monkeypatch.setattr(
        project, "project", lambda: type(existing)(tmp_path, existing.config, existing.layers)
    )
    return deleted


@pytest.mark.parametrize(
    ("typed", "yes", "code"),
    [("y\n", False, 0), ("\n", False, 3), ("", True, 0)],
    ids=["yes", "no", "--yes"],
)
def test_a_reset_shows_and_asks(stdin, capsys, reset, *, typed, yes, code) -> None:
    """All local data would be deleted; the default is no, and --yes does not ask."""
    stdin(typed, terminal=True)

    try:
        operation.reset(Context(), yes=yes)
        ended = 0
    except Exit as exit_:
        ended = exit_.code

    assert (code, code == 0) == (ended, bool(reset))
    assert "8 of objects" in capsys.readouterr().out


def test_an_empty_folder_needs_no_question(stdin, reset, tmp_path) -> None:
    """There is nothing that could be missed."""
    stdin("", terminal=False)
    (tmp_path / ".emulator" / "objects" / "one").unlink()

    operation.reset(Context())

    assert reset
