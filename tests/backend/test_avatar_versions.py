"""Tests of cruddur.avatar_versions."""

from __future__ import annotations

import pytest

from cruddur import avatar_versions
from shared.avatars import avatar_id


@pytest.fixture
def record(pool, andrew):
    """Record a version of Andrew's avatar and return the version in the address of the avatar."""

    def recorded(version: str) -> str:
        assert avatar_versions.record(pool, avatar_id(andrew.sub), version)
        url = andrew.get("/api/users/@andrewbrown/short").json["avatar_url"]
        return url.partition("?v=")[2]

    return recorded


def test_a_new_avatar_has_a_new_address(record):
    """Browsers do not show an outdated picture."""
    assert [record("A1"), record("A2")] == ["A1", "A2"]


def test_older_and_repeated_notifications_change_nothing(record):
    """SNS may deliver a notification repeatedly and in any order."""
    assert [record("B"), record("B"), record("A")] == ["B", "B", "B"]


def test_an_unknown_avatar(pool, andrew, bayko):
    """An avatar that no user has is not recorded; the search for it stores the ids of all users."""
    assert avatar_versions.record(pool, avatar_id("unknown"), "A") is False
    rows = andrew.database.execute("SELECT avatar_uuid::text, avatar_version FROM users").fetchall()

    assert sorted(rows) == sorted([(avatar_id(andrew.sub), None), (avatar_id(bayko.sub), None)])
