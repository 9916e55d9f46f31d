"""`emulator.status` and `emulator.reset`."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

import emulator
from commands import emulator as commands
from operations import project


@pytest.mark.parametrize("isolation", ["namespaces", "environment", None])
def test_the_status_shows_the_isolation(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    isolation: str | None,
) -> None:
    """The status shows the isolation of functions, which depends on the machine."""
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

    commands.status(Context())

    line = f"isolation  {isolation or '-'}, of functions (docs/emulator.md)"
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
    """Return a function that provides typed text on standard input."""

    def type_(typed: str, *, terminal: bool) -> None:
        monkeypatch.setattr("sys.stdin", Stdin(typed, terminal=terminal))

    return type_


@pytest.fixture
def resets(monkeypatch: pytest.MonkeyPatch, tmp_path):
    """Give the project an emulator with data; return the list of folders that were reset."""
    folder = tmp_path / ".emulator"
    folder.mkdir()
    (folder / "objects").mkdir()
    (folder / "objects" / "one").write_text("precious")
    resets: list[object] = []
    monkeypatch.setattr(emulator, "reset", resets.append)
    own = project.project()
    monkeypatch.setattr(project, "project", lambda: type(own)(tmp_path, own.config, own.layers))
    return resets


@pytest.mark.parametrize(
    ("typed", "yes", "code"),
    [("y\n", False, 0), ("\n", False, 3), ("", True, 0)],
    ids=["yes", "no", "--yes"],
)
def test_a_reset_asks_for_approval(stdin, capsys, resets, *, typed, yes, code) -> None:
    """The sizes are shown first; the answer defaults to no, and --yes skips the question."""
    stdin(typed, terminal=True)

    try:
        commands.reset(Context(), yes=yes)
        ended = 0
    except Exit as exit_:
        ended = exit_.code

    assert (ended, bool(resets)) == (code, code == 0)
    assert "8 of objects" in capsys.readouterr().out


def test_a_reset_of_an_empty_folder_needs_no_approval(stdin, resets, tmp_path) -> None:
    """Without data there is nothing to approve."""
    stdin("", terminal=False)
    (tmp_path / ".emulator" / "objects" / "one").unlink()

    commands.reset(Context())

    assert resets
