"""Tests of cruddur.avatar_versions."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cruddur import avatar_versions
from shared.avatars import avatar_id


@pytest.fixture
def record(pool, andrew):
    """Record a version of Andrew's avatar and return the version in the avatar's URL."""

    def recorded(version: str) -> str:
        assert avatar_versions.record(pool, avatar_id(andrew.sub), version)
        url = andrew.get("/api/users/@andrewbrown/short").json["avatar_url"]
        return url.partition("?v=")[2]

    return recorded


def test_a_new_avatar_has_a_new_url(record):
    """Browsers do not show an outdated picture."""
    assert [record("A1"), record("A2")] == ["A1", "A2"]


def test_older_and_repeated_events_change_nothing(record):
    """An event of a new avatar changes nothing if it is repeated or older than the recorded version."""
    assert [record("B"), record("B"), record("A")] == ["B", "B", "B"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE users SET display_name = 'Andrew' WHERE cognito_user_id = %(sub)s",
        "UPDATE users SET avatar_uuid = %(avatar)s WHERE cognito_user_id = %(sub)s",
    ],
    ids=["profile", "avatar id"],
)
def test_a_concurrent_change_of_the_user(pool, postgres, andrew, change):
    """The recording waits while another transaction changes the user, and is not lost."""
    avatar = avatar_id(andrew.sub)
    with ThreadPoolExecutor(1) as threads:
        with andrew.database.transaction():
            andrew.database.execute(change, {"sub": andrew.sub, "avatar": avatar})
            recorded = threads.submit(avatar_versions.record, pool, avatar, "A1")
            deadline = time.monotonic() + 60
            while not recorded.done() and not postgres.waiting():
                assert time.monotonic() < deadline
                time.sleep(0.01)

        assert recorded.result() is True
    assert andrew.get("/api/users/@andrewbrown/short").json["avatar_url"].endswith("?v=A1")


def test_an_unknown_avatar(pool, andrew, bayko):
    """An avatar that no user has is not recorded; looking it up first stores the missing avatar ids."""
    assert avatar_versions.record(pool, avatar_id("unknown"), "A") is False
    rows = andrew.database.execute("SELECT avatar_uuid::text, avatar_version FROM users").fetchall()

    assert sorted(rows) == sorted([(avatar_id(andrew.sub), None), (avatar_id(bayko.sub), None)])
