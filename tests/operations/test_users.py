"""Everyone in the user pool."""

from __future__ import annotations

import json

from invoke.context import Context

from operations import users
from tests.operations.answers import Account, Client, opened


def person(sub: str, *, enabled: bool = True, status: str = "CONFIRMED", **known: str) -> object:
    """Somebody as Cognito lists them."""
    attributes = [{"Name": name, "Value": value} for name, value in {"sub": sub, **known}.items()]
    return {"Attributes": attributes, "Enabled": enabled, "UserStatus": status}


PAGES = [
    {
        "Users": [
            person("b", preferred_username="bob", email="bob@x.example", email_verified="true")
        ]
    },
    {"Users": []},
    {
        "Users": [
            person("c", status="UNCONFIRMED", email="carol@x.example", email_verified="false"),
            person("a", enabled=False, preferred_username="al\x1bice"),
        ]
    },
]


def test_a_table(monkeypatch, capsys) -> None:
    """All pages, in one order; what somebody lacks is a dash, and no name moves the cursor."""
    client = Client(list_users=PAGES)
    opened(monkeypatch, Account({"users": {"Pool": "pool"}}, {"cognito-idp": client}))

    users.list_(Context())

    assert capsys.readouterr().out == (
        "sub  handle     email            status       confirmed\n"
        "a    al\\x1bice  -                DISABLED     no\n"
        "b    bob        bob@x.example    CONFIRMED    yes\n"
        "c    -          carol@x.example  UNCONFIRMED  no\n"
    )
    assert [("list_users", {"UserPoolId": "pool"})] == client.asked


def test_json(monkeypatch, capsys) -> None:
    """A line for each person."""
    opened(
        monkeypatch,
        Account({"users": {"Pool": "pool"}}, {"cognito-idp": Client(list_users=PAGES)}),
    )

    users.list_(Context(), json=True)

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ["a", "b", "c"] == [row["sub"] for row in rows]
    assert [False, True, False] == [row["confirmed"] for row in rows]
