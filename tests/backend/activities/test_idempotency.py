"""Repeated requests for posts and replies."""

from __future__ import annotations

import pytest

from tests.backend.api import problem

KEY = "6a9e3c39-6d4b-4a8c-8a3e-2a6a3a6f7d10"
OTHER_KEY = "7b9e3c39-6d4b-4a8c-8a3e-2a6a3a6f7d11"
REUSED = (409, [("idempotency_key_reused", "idempotency_key")])


def post(member, message="Hello", key=KEY):
    """Send a request for a post."""
    body = {"message": message, "ttl": "1-day", "idempotency_key": key}
    return member.post("/api/activities", body)


def reply(member, activity, message="Hi", key=OTHER_KEY):
    """Send a request for a reply."""
    body = {"message": message, "idempotency_key": key}
    return member.post(f"/api/activities/{activity}/reply", body)


def stored(member):
    return [m for (m,) in member.database.execute("SELECT message FROM activities ORDER BY 1")]


def test_repeated_post(andrew):
    """A post that is sent again after a lost response is added once."""
    first, second = post(andrew), post(andrew)

    assert first.json == second.json
    assert first.json["uuid"] == KEY
    assert stored(andrew) == ["Hello"]


def test_repeated_reply(andrew, bayko):
    """A reply that is sent again is added once, and counted once."""
    activity = post(andrew).json["uuid"]

    assert reply(bayko, activity).json == reply(bayko, activity).json

    thread = andrew.get(f"/api/activities/@andrewbrown/status/{activity}").json
    assert thread["activity"]["replies_count"] == 1


@pytest.mark.parametrize("change", ["text", "author", "kind"])
def test_reused_key(andrew, bayko, change):
    """A key of another request is refused, and nothing is added."""
    activity = post(andrew).json["uuid"]

    response = {
        "text": lambda: post(andrew, "Other"),
        "author": lambda: post(bayko),
        "kind": lambda: reply(andrew, activity, "Hello", KEY),
    }[change]()

    assert problem(response) == REUSED
    assert stored(andrew) == ["Hello"]


@pytest.mark.parametrize("key", [None, OTHER_KEY])
def test_another_key(andrew, key):
    """Equal texts with other keys, or without one, are different posts."""
    post(andrew)

    assert post(andrew, key=key).status_code == 200
    assert stored(andrew) == ["Hello", "Hello"]


@pytest.mark.parametrize("key", ["x", 1, "", [], KEY + "0"])
def test_invalid_key(andrew, key):
    """A key is a UUID."""
    refused = (422, [("idempotency_key_invalid", "idempotency_key")])

    assert problem(post(andrew, key=key)) == refused


def test_reply_to_an_unknown_post(andrew):
    """A new key does not hide that the post does not exist."""
    assert problem(reply(andrew, KEY)) == (404, [("activity_not_found", "activity_uuid")])
