"""`site.sync` publishes only after approval."""

from types import SimpleNamespace

import pytest

from commands import site
from deployer.errors import GuardError
from tests.standard_input import Stdin

ACCOUNT = SimpleNamespace(
    is_local=False, env=SimpleNamespace(name="prod", domain="cruddur.example")
)
EMULATOR = SimpleNamespace(is_local=True, env=SimpleNamespace(name="local", domain="local.example"))
URL = "https://cruddur.example"


@pytest.mark.parametrize("typed", ["y\n", "YES\n"])
def test_approved(monkeypatch, capsys, typed):
    """The question names the address of the site."""
    monkeypatch.setattr("sys.stdin", Stdin(typed))

    site._approve(ACCOUNT, URL, yes=False)

    assert capsys.readouterr().err == "Publish this at https://cruddur.example? [y/N] "


@pytest.mark.parametrize("typed", ["", "\n", "n\n", "yess\n"])
def test_not_approved(monkeypatch, typed):
    """The answer defaults to no."""
    monkeypatch.setattr("sys.stdin", Stdin(typed))

    with pytest.raises(GuardError, match="not approved: nothing was published"):
        site._approve(ACCOUNT, URL, yes=False)


@pytest.mark.parametrize(("environment", "yes"), [(ACCOUNT, True), (EMULATOR, False)])
def test_approval_is_not_needed(monkeypatch, environment, yes):
    """--yes and the emulator need no approval."""
    monkeypatch.setattr("sys.stdin", Stdin("", terminal=False))

    site._approve(environment, URL, yes=yes)


def test_approval_cannot_be_asked_for(monkeypatch):
    """Without a terminal nothing is published."""
    monkeypatch.setattr("sys.stdin", Stdin("y\n", terminal=False))

    with pytest.raises(GuardError, match="prod: cannot ask for approval") as refused:
        site._approve(ACCOUNT, URL, yes=False)

    assert (
        refused.value.hint == "pass --yes to approve without a question, or --dry-run to only look"
    )
