"""The deletion of expired posts in PostgreSQL."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from expire_posts import handler

if TYPE_CHECKING:
    from tests.lambdas.postgres import Postgres

pytestmark = pytest.mark.thorough

ADD_POSTS = """
    INSERT INTO activities (user_uuid, message, expires_at, created_at)
    SELECT uuid, %s || number, current_timestamp + %s::interval, current_timestamp - interval '2 d'
    FROM users, generate_series(1, %s) AS number
"""
ADD_REPLIES = """
    INSERT INTO activities (user_uuid, message, reply_to_activity_uuid, created_at)
    SELECT user_uuid, 'reply to ' || message, uuid, created_at FROM activities
"""


@pytest.fixture
def posts(database: Postgres) -> Postgres:
    """A database with one user and no posts."""
    database.query(
        "INSERT INTO users (display_name, handle, cognito_user_id) VALUES ('Londo', 'londo', 'x')"
    )
    return database


def add(posts: Postgres, message: str, expires_in: str | None, number: int = 1) -> None:
    """Add posts with the messages *message*1, *message*2 and so on."""
    posts.query(ADD_POSTS, message, expires_in, number)


def messages(posts: Postgres) -> list[str]:
    return [message for (message,) in posts.query("SELECT message FROM activities ORDER BY 1")]


def test_expired(posts: Postgres, capsys) -> None:
    """Only expired posts are deleted, and the log has their number."""
    add(posts, "old", "-1 second", 2)
    add(posts, "current", "1 hour")
    add(posts, "without expiry", None)

    assert handler.handler({}, None) == {"deleted": 2}

    assert messages(posts) == ["current1", "without expiry1"]
    assert json.loads(capsys.readouterr().out) == {"event": "expired", "deleted": 2}


def test_replies(posts: Postgres) -> None:
    """Replies are deleted with their post, and kept with a post that has not expired."""
    add(posts, "old", "-1 second")
    add(posts, "current", "1 hour")
    posts.query(ADD_REPLIES)

    assert handler.handler({}, None) == {"deleted": 1}

    assert messages(posts) == ["current1", "reply to current1"]


@pytest.mark.parametrize(("number", "deleted"), [(0, 0), (2, 2), (4, 4), (7, 6)])
def test_batches(posts: Postgres, monkeypatch, number, deleted) -> None:
    """Posts are deleted in batches, and a run has a limited number of them."""
    monkeypatch.setattr(handler, "BATCH_SIZE", 2)
    monkeypatch.setattr(handler, "MAX_BATCHES", 3)
    add(posts, "old", "-1 second", number)

    assert handler.handler({}, None) == {"deleted": deleted}

    assert len(messages(posts)) == number - deleted


def test_limits() -> None:
    """A run deletes up to 100,000 posts."""
    assert handler.BATCH_SIZE * handler.MAX_BATCHES == 100_000


def test_concurrent_runs(posts: Postgres, monkeypatch) -> None:
    """Two runs at the same time delete each post once."""
    monkeypatch.setattr(handler, "BATCH_SIZE", 1)
    add(posts, "old", "-1 second", 20)
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: handler.handler({}, None), range(2)))

    assert messages(posts) == []
    assert sum(result["deleted"] for result in results) == 20
