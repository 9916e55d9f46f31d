"""Questions at a terminal, and what happens without one."""

from __future__ import annotations

import io

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

import emulator
from deployer.errors import GuardError
from operations import approval, project
from operations import emulator as tasks


class Stdin(io.StringIO):
    """Standard input with typed text, at a terminal or not."""

    def __init__(self, typed: str, *, terminal: bool) -> None:
        super().__init__(typed)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch):
    """Have this typed."""

    def type_(typed: str, *, terminal: bool) -> None:
        monkeypatch.setattr("sys.stdin", Stdin(typed, terminal=terminal))

    return type_


@pytest.mark.parametrize(
    ("terminal", "can_ask", "reason"),
    [
        (False, True, "standard input is not a terminal"),
        (True, False, "--json prints no questions"),
        (False, False, "--json prints no questions"),
    ],
)
def test_nobody_to_ask(stdin, *, terminal: bool, can_ask: bool, reason: str) -> None:
    """It is refused, with the reason and with what can be done instead."""
    stdin("y\n", terminal=terminal)

    with pytest.raises(GuardError) as refused:
        approval.refuse_unattended("prod", "--dry-run to only look", can_ask=can_ask)

    assert f"prod: cannot ask for approval: {reason}" == refused.value.message
    assert (
        "pass --yes to approve without a question, or --dry-run to only look" == refused.value.hint
    )


def test_standard_input_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a scheduler or `<&-` leaves it: Python then has no object for it."""
    monkeypatch.setattr("sys.stdin", None)

    with pytest.raises(GuardError, match="standard input is not a terminal"):
        approval.refuse_unattended("prod", "--dry-run to only look")


@pytest.fixture
def reset(monkeypatch: pytest.MonkeyPatch, tmp_path):
    """The project has its emulator in a folder of the test; what was deleted is remembered."""
    folder = tmp_path / ".emulator"
    folder.mkdir()
    (folder / "objects").mkdir()
    (folder / "objects" / "one").write_text("precious")
    deleted: list[object] = []
    monkeypatch.setattr(emulator, "reset", deleted.append)
    own = project.project()
    monkeypatch.setattr(project, "project", lambda: type(own)(tmp_path, own.config, own.layers))
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
        tasks.reset(Context(), yes=yes)
        ended = 0
    except Exit as exit_:
        ended = exit_.code

    assert (code, code == 0) == (ended, bool(reset))
    assert "8 of objects" in capsys.readouterr().out


def test_an_empty_folder_needs_no_question(stdin, reset, tmp_path) -> None:
    """There is nothing that could be missed."""
    stdin("", terminal=False)
    (tmp_path / ".emulator" / "objects" / "one").unlink()

    tasks.reset(Context())

    assert reset
