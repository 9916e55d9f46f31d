"""`users.list` prints the users as a table or as a JSON document."""

from __future__ import annotations

import json

import pytest
from invoke.context import Context

from commands import users
from tests.operations.fake_account import Account, Client, use_account
from tests.operations.test_users import PAGES


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch) -> None:
    clients = {"cognito-idp": Client(list_users=PAGES)}
    use_account(monkeypatch, Account({"users": {"Pool": "pool"}}, clients))


def test_table(capsys) -> None:
    """Missing attributes are shown as a dash, and control characters as escapes."""
    users.list_(Context())

    assert capsys.readouterr().out == (
        "sub  handle     email            status       email verified\n"
        "a    al\\x1bice  -                DISABLED     no\n"
        "b    bob        bob@x.example    CONFIRMED    yes\n"
        "c    -          carol@x.example  UNCONFIRMED  no\n"
    )


def test_json(capsys) -> None:
    """The document has all users."""
    users.list_(Context(), json=True)

    rows = json.loads(capsys.readouterr().out)["users"]
    assert [row["sub"] for row in rows] == ["a", "b", "c"]
    assert [row["email_verified"] for row in rows] == [False, True, False]
