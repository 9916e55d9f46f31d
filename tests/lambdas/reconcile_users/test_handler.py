"""Users of the pool are passed to `post_confirmation`, page by page."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from reconcile_users import handler as module
from reconcile_users.handler import IncompleteError, InvocationError, handler

PLENTY = SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000)


def user(number: int, *, status: str = "CONFIRMED", enabled: bool = True, verified: str = "true"):
    """Return a user as ListUsers returns it."""
    attributes = {"sub": str(number), "email_verified": verified}
    return {
        "Username": str(number),
        "UserStatus": status,
        "Enabled": enabled,
        "Attributes": [{"Name": name, "Value": value} for name, value in attributes.items()],
    }


@dataclass
class Aws:
    """A pool with *pages* of users, and a function that adds a row for each user."""

    pages: list[list[Any]]
    error: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)

    def client(self, service: str, **_: Any) -> Any:
        """Return the client of a service."""
        if service == "lambda":
            return SimpleNamespace(invoke=self.invoke)
        pages = [{"Users": page} for page in self.pages]
        paginator = SimpleNamespace(paginate=lambda **_: iter(pages))
        return SimpleNamespace(get_paginator=lambda _: paginator)

    def invoke(self, **request: Any) -> dict[str, Any]:
        """Record the event."""
        assert request["FunctionName"] == "arn"
        event = json.loads(request["Payload"])
        self.events.append(event)
        if self.error:
            return {
                "FunctionError": "Unhandled",
                "Payload": io.BytesIO(json.dumps({"errorType": self.error}).encode()),
            }
        result = {"added": len(event["users"]), "refused": 0}
        return {"Payload": io.BytesIO(json.dumps(result).encode())}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch):
    """Return a function that replaces AWS."""
    monkeypatch.setenv("USER_POOL", "pool")
    monkeypatch.setenv("POST_CONFIRMATION", "arn")

    def install(*pages: list[Any], error: str = "") -> Aws:
        fake = Aws([*pages], error)
        monkeypatch.setattr(module.boto3, "client", fake.client)
        return fake

    return install


def test_pages(aws, capsys) -> None:
    """Each page is one invocation, and the log has the sums."""
    fake = aws([user(1), user(2)], [user(3)])

    assert handler({}, PLENTY) == {"users": 3, "added": 3, "refused": 0}

    assert [[item["sub"] for item in event["users"]] for event in fake.events] == [
        ["1", "2"],
        ["3"],
    ]
    assert json.loads(capsys.readouterr().out) == {
        "event": "reconciled",
        "users": 3,
        "added": 3,
        "refused": 0,
    }


@pytest.mark.parametrize(
    "other",
    [user(1, status="UNCONFIRMED"), user(1, enabled=False), user(1, verified="false")],
    ids=["not confirmed", "disabled", "address not verified"],
)
def test_users_without_access_get_no_row(aws, other) -> None:
    """Only users who may sign in, with a verified address, are passed."""
    fake = aws([other, user(2)])

    handler({}, PLENTY)

    assert [item["sub"] for item in fake.events[0]["users"]] == ["2"]


def test_an_empty_pool(aws) -> None:
    """The function is invoked nevertheless, so Lambda does not deactivate it."""
    fake = aws([])

    assert handler({}, PLENTY) == {"users": 0, "added": 0, "refused": 0}
    assert fake.events == [{"triggerSource": "Reconciliation", "users": []}]


def test_no_time(aws, capsys) -> None:
    """A run that cannot finish fails, so that its alarm is raised."""
    aws([user(1)], [user(2)])
    remaining = iter([900_000, 9_999])
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: next(remaining))

    with pytest.raises(IncompleteError, match="no time after 1 users"):
        handler({}, context)

    assert json.loads(capsys.readouterr().out)["event"] == "incomplete"


def test_a_failed_invocation(aws) -> None:
    """The error has the type of the function's error, which has no personal data."""
    aws([user(1)], error="UnavailableError")

    with pytest.raises(InvocationError, match="UnavailableError"):
        handler({}, PLENTY)
