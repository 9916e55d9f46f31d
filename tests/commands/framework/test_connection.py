"""A task connects to the account of its environment."""

from __future__ import annotations

import pytest

from commands.framework.connection import connect
from tests.operations.fake_account import START_LINE, Account, use_account


def test_connect(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """The account, region and AWS setup are printed to standard error."""
    account = use_account(monkeypatch, Account())

    target = connect("x")

    assert target.account is account
    assert capsys.readouterr() == ("", START_LINE)
