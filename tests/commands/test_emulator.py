"""`emulator.status` and `emulator.reset`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

import emulator
from commands import emulator as commands
from operations import project
from tests.standard_input import Stdin


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


SNS_LINK = "http://127.0.0.1:1/?Action=ConfirmSubscription&Token=" + "a1" * 32


def use_messages(monkeypatch: pytest.MonkeyPatch, *messages: emulator.Message) -> None:
    """Replace the running emulator by one with *messages*."""
    endpoint = emulator.Endpoint("http://127.0.0.1:1", "0" * 12, "0" * 12, "secret")
    monkeypatch.setattr(emulator, "running", lambda _: endpoint)
    monkeypatch.setattr(emulator, "messages", lambda _: list(messages))


def test_outbox(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The messages are printed with code or link, and with the address of their page."""
    sent = "2026-01-01T00:00:00.000+00:00"
    use_messages(monkeypatch, emulator.Message("ada@x.example", "subscription", SNS_LINK, sent))

    commands.outbox(Context())

    head, row, address = capsys.readouterr().out.splitlines()
    assert head.split() == ["sent", "to", "about", "secret"]
    assert row.split() == [sent, "ada@x.example", "subscription", SNS_LINK]
    assert address.startswith("in a browser: http://127.0.0.1:1/_emulator/outbox?key=")


def test_outbox_as_json(monkeypatch, capsys) -> None:
    """The JSON document has the codes, and nothing else is on standard output."""
    use_messages(monkeypatch, emulator.Message("ada@x.example", "confirmation", "123456", "now"))

    commands.outbox(Context(), json=True)

    message = {"to": "ada@x.example", "about": "confirmation", "secret": "123456", "sent": "now"}
    assert json.loads(capsys.readouterr().out) == {"version": 2, "messages": [message]}


def test_an_empty_outbox(monkeypatch, capsys) -> None:
    """Without messages, the task says so."""
    use_messages(monkeypatch)

    commands.outbox(Context())

    assert capsys.readouterr().out.startswith("no messages\nin a browser: ")


def test_the_outbox_of_a_stopped_emulator(monkeypatch, capsys) -> None:
    """A stopped emulator has no messages: this is an error, not an empty result."""
    monkeypatch.setattr(emulator, "running", lambda _: None)

    with pytest.raises(Exit):
        commands.outbox(Context())

    assert "the emulator is not running" in capsys.readouterr().err
