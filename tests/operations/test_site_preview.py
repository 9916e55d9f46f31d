import io
from types import SimpleNamespace

import pytest

from deployer.errors import GuardError
from deployer.report import Style
from operations import site
from operations.site import preview
from operations.site.plan import Plan

NOTHING = Plan((), (), (), ("a.txt",), {}, ())
ACCOUNT = SimpleNamespace(
    is_local=False, env=SimpleNamespace(name="prod", domain="cruddur.example")
)
EMULATOR = SimpleNamespace(is_local=True, env=SimpleNamespace(name="local", domain="local.example"))
OLD = "assets/index-AAAAAAA1.js"


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self):
        return True


def test_each_change_has_a_line():
    """What changes under a name for ever is said twice; what no terminal can show is escaped."""
    plan = Plan(
        ("a\nb.txt",), ("index.html", OLD), ("é.txt",), ("c.txt",), {"d": 1}, ("index.html",)
    )

    shown = preview.text(plan, [".DS_Store"], style=Style()).splitlines()

    assert [
        "create  a\\nb.txt",
        "update  index.html",
        f"update  {OLD}",
        "        was kept for ever: browsers that have it keep it",
        "delete  é.txt",
        "hidden  .DS_Store",
    ] == shown[:-1]
    assert "1 to create, 2 to update, 1 to delete, 1 unchanged, 1 unused, kept" in shown[-1]
    assert shown[-1].endswith("; 2 paths to invalidate")


def test_nothing_to_do():
    """Is said, with what was looked at."""
    assert "nothing to do: 1 unchanged\n" == preview.text(NOTHING, [], style=Style())


@pytest.mark.parametrize("typed", ["y\n", "YES\n"])
def test_approved(monkeypatch, capsys, typed):
    """By a person at a terminal, who is told what would be published where."""
    monkeypatch.setattr("sys.stdin", Terminal(typed))

    site._approve(ACCOUNT, yes=False)

    assert "Publish this at https://cruddur.example? [y/N] " == capsys.readouterr().err


@pytest.mark.parametrize("typed", ["", "\n", "n\n", "yess\n"])
def test_not_approved(monkeypatch, typed):
    """The answer defaults to no."""
    monkeypatch.setattr("sys.stdin", Terminal(typed))

    with pytest.raises(GuardError, match="not approved: nothing was published"):
        site._approve(ACCOUNT, yes=False)


@pytest.mark.parametrize(("environment", "yes"), [(ACCOUNT, True), (EMULATOR, False)])
def test_not_asked(monkeypatch, environment, yes):
    """A machine that says so, and the emulator, need nobody."""
    monkeypatch.setattr("sys.stdin", io.StringIO())

    site._approve(environment, yes=yes)


def test_nobody_to_ask(monkeypatch):
    """Without a terminal it is no."""
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))

    with pytest.raises(GuardError, match="prod: cannot ask for approval") as refused:
        site._approve(ACCOUNT, yes=False)

    assert (
        "pass --yes to approve without a question, or --dry-run to only look" == refused.value.hint
    )
