import io
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from deployer.errors import GuardError
from operations import site
from operations.session import Approver, Session

ACCOUNT = SimpleNamespace(
    embedded=False, env=SimpleNamespace(name="prod", domain="cruddur.example")
)


class Stdin(io.StringIO):
    """What is typed, at a terminal or not."""

    def __init__(self, typed, *, terminal):
        super().__init__(typed)
        self.isatty = lambda: terminal


class Screen:
    """Remembers whether it stood still."""

    def __init__(self):
        self.paused_ = 0

    @contextmanager
    def paused(self):
        self.paused_ += 1
        yield


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("y\n", True), (" YES \n", True), ("n\n", False), ("\n", False), ("", False)],
)
def test_a_person_decides(monkeypatch, capsys, typed, answer):
    """On a screen that stands still; the answer defaults to no."""
    monkeypatch.setattr("sys.stdin", Stdin(typed, terminal=True))
    screen = Screen()

    assert answer == Approver(ACCOUNT, False, "", paused=screen.paused).agrees("Do it? ")
    assert ("Do it? ", 1) == (capsys.readouterr().err, screen.paused_)


@pytest.mark.parametrize(
    ("terminal", "json"), [(False, False), (True, True)], ids=["no terminal", "JSON lines"]
)
def test_nobody_is_there(monkeypatch, terminal, json):
    """It is refused before anything moves, and again when it comes to the question."""
    monkeypatch.setattr("sys.stdin", Stdin("y\n", terminal=terminal))
    session = Session(ACCOUNT, None, Screen(), json=json)

    for refused in (session._approver.must_be_there, lambda: session._approver.agrees("Do it? ")):
        with pytest.raises(GuardError, match="prod: nobody is there to approve") as told:
            refused()
        assert told.value.hint.startswith("--yes approves unseen, --no-execute leaves")


def test_the_site_is_approved_by_the_same(monkeypatch):
    """One rule for all that changes something."""
    asked = []
    monkeypatch.setattr(Approver, "agrees", lambda self, question: not asked.append(question))

    site._approve(ACCOUNT, yes=False)

    assert ["Publish this at https://cruddur.example? [y/N] "] == asked
