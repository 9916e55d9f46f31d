"""The users of the user pool are read from all pages."""

from __future__ import annotations

import pytest

from operations import users
from tests.operations.fake_account import Account, Client, target

pytestmark = pytest.mark.thorough


def user(sub: str, *, enabled: bool = True, status: str = "CONFIRMED", **others: str) -> object:
    """Return a user as Cognito lists them."""
    attributes = [{"Name": name, "Value": value} for name, value in {"sub": sub, **others}.items()]
    return {"Attributes": attributes, "Enabled": enabled, "UserStatus": status}


PAGES = [
    {"Users": [user("b", preferred_username="bob", email="bob@x.example", email_verified="true")]},
    {"Users": []},
    {
        "Users": [
            user("c", status="UNCONFIRMED", email="carol@x.example", email_verified="false"),
            user("a", enabled=False, preferred_username="al\x1bice"),
        ]
    },
]


def test_all_pages_are_read_and_sorted() -> None:
    """Users are sorted by `sub`; attributes that a user lacks are empty."""
    client = Client(list_users=PAGES)

    rows = users.list_users(target(Account({"users": {"Pool": "pool"}}, {"cognito-idp": client})))

    assert [row["sub"] for row in rows] == ["a", "b", "c"]
    assert rows[0] == {
        "sub": "a",
        "handle": "al\x1bice",
        "email": "",
        "status": "DISABLED",
        "email_verified": False,
    }
    assert client.calls == [("list_users", {"UserPoolId": "pool"})]
