"""Tests of cruddur.notifications.routes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from cruddur.app import create_app
from cruddur.new_conversations import NewConversation

PATH = "/api/activities/notifications"
NOW = datetime(2026, 11, 30, tzinfo=UTC)


class RecordedConversations:
    """Conversations of each user, as DynamoDB would return them."""

    def __init__(self, found: list[NewConversation]) -> None:
        self.found = found
        self.users: list[str] = []

    def newest(self, cognito_user_id: str, *, until: datetime, limit: int):
        self.users.append(cognito_user_id)
        return [item for item in self.found if item.created_at <= until][:limit]


def conversation(number: int) -> NewConversation:
    """Return a conversation that began *number* seconds before NOW."""
    time = NOW - timedelta(seconds=number)
    return NewConversation(UUID(int=number), time, "londo", "Londo", f"message {number}")


@pytest.fixture
def with_replies(andrew, bayko):
    """Three replies of Bayko to a post of Andrew, with seconds between them, and one of Andrew."""
    post = andrew.post("/api/activities", {"message": "post", "ttl": "30-days"}).json["uuid"]
    for number in (6, 4, 2):
        text = {"message": f"reply {number}"}
        uuid = bayko.post(f"/api/activities/{post}/reply", text).json["uuid"]
        time = NOW - timedelta(seconds=number)
        andrew.database.execute(
            "UPDATE activities SET created_at = %s, expires_at = NULL WHERE uuid = %s", (time, uuid)
        )
    andrew.post(f"/api/activities/{post}/reply", {"message": "my own"})
    return post


def texts(page: dict) -> list[str]:
    return [item.get("message") or item["activity"]["message"] for item in page["items"]]


@pytest.mark.usefixtures("with_replies")
def test_replies_of_others_are_notifications(andrew, bayko):
    """A user sees the replies of other users to their posts, the newest first, and no others."""
    page = andrew.get(PATH).json

    assert texts(page) == ["reply 2", "reply 4", "reply 6"]
    assert {item["kind"] for item in page["items"]} == {"reply"}
    assert bayko.get(PATH).json["items"] == []


def pages(services, member, conversations: list[NewConversation]) -> list[str]:
    """Return the texts of all pages of two notifications each."""
    source = RecordedConversations(conversations)
    client = create_app(services=replace(services, new_conversations=source)).test_client()
    seen, cursor = [], ""
    while cursor is not None:
        path = f"{PATH}?limit=2{cursor and f'&cursor={cursor}'}"
        page = client.get(path, headers=member.headers).json
        seen += texts(page)
        cursor = page["next_cursor"]
    assert set(source.users) == {member.sub}
    return seen


@pytest.mark.usefixtures("with_replies")
def test_conversations_are_merged(services, andrew):
    """Pages of replies and conversations are in one order, without repetition or omission."""
    seen = pages(services, andrew, [conversation(number) for number in (1, 3, 5, 7)])

    kinds = {0: "reply", 1: "message"}
    assert seen == [f"{kinds[number % 2]} {number}" for number in range(1, 8)]


def test_pages_of_conversations(services, andrew):
    """A page that begins at the time of a conversation does not end the list."""
    seen = pages(services, andrew, [conversation(number) for number in range(7)])

    assert seen == [f"message {number}" for number in range(7)]


def test_deleted_posts_have_no_notifications(with_replies, andrew):
    """The replies are deleted with their post."""
    andrew.database.execute("DELETE FROM activities WHERE uuid = %s", [with_replies])

    assert andrew.get(PATH).json == {"items": [], "next_cursor": None}
