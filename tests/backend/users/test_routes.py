"""Tests of cruddur.users.routes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.backend.api import problem

UPDATE = "/api/profile/update"


@pytest.fixture
def profile(api):
    """Return the texts of a profile as other users see them."""

    def seen(handle: str = "andrewbrown") -> tuple[str, str]:
        found = api.get(f"/api/activities/@{handle}").json["profile"]
        return found["display_name"], found["bio"]

    return seen


def test_short_users(andrew, api):
    """A user is found by handle in any case; nothing else of the row is returned."""
    user = api.get("/api/users/@ANDREWBROWN/short").json

    assert user == {
        "uuid": andrew.uuid,
        "handle": "andrewbrown",
        "display_name": "Andrew Brown",
        "avatar_url": user["avatar_url"],
    }
    assert andrew.sub not in user["avatar_url"]


def test_the_own_profile(andrew, bayko):
    """The response is that of an update: the handle and the version that the next one needs."""
    updated = andrew.put(UPDATE, {"display_name": "Andrew B.", "bio": "A bio"}).json

    assert andrew.get("/api/profile").json == updated
    assert bayko.get("/api/profile").json["handle"] == "bayko"


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_an_update_returns_and_changes_the_profile(andrew, profile, method):
    """PUT and POST do the same: the original's page sends PUT, its route required POST."""
    body = {"display_name": "Andrew B.", "bio": "Line\nanother line"}
    updated = andrew.send(method, UPDATE, json=body).json

    assert profile() == ("Andrew B.", "Line\nanother line")
    assert updated == updated | body | {"handle": "andrewbrown", "profile_version": 2}


@pytest.mark.parametrize("bio", [{}, {"bio": None}, {"bio": ""}])
def test_a_bio_may_be_empty(andrew, profile, bio):
    """As in the original, null removes the bio."""
    andrew.put(UPDATE, {"display_name": "A", "bio": "A bio"})
    andrew.put(UPDATE, {"display_name": "A", **bio})

    assert profile() == ("A", "")


def test_only_the_own_profile_changes(andrew, bayko, profile):
    """No field of the body selects the row that is updated, or another column."""
    body = {"display_name": "Mallory", "bio": "x", "handle": "andrewbrown", "uuid": andrew.uuid}
    changed = bayko.put(UPDATE, {**body, "cognito_user_id": andrew.sub, "email": "x@example.com"})
    emails = andrew.database.execute("SELECT email FROM users ORDER BY email").fetchall()

    assert (changed.json["handle"], changed.json["uuid"]) == ("bayko", bayko.uuid)
    assert profile() == ("Andrew Brown", "")
    assert emails == [("andrewbrown@example.com",), ("bayko@example.com",)]


def test_an_outdated_update_is_refused(andrew, profile):
    """The second of two writers who read the same version is refused with 409."""
    first = andrew.put(UPDATE, {"display_name": "First", "profile_version": 1})
    second = andrew.put(UPDATE, {"display_name": "Second", "profile_version": 1})

    assert first.json["profile_version"] == 2
    assert problem(second) == (409, [("profile_version_outdated", "profile_version")])
    assert profile() == ("First", "")


def test_one_of_many_concurrent_writers_wins(application, andrew):
    """Of concurrent updates of one version exactly one succeeds."""

    def update(number: int) -> int:
        body = {"display_name": f"Writer {number}", "profile_version": 1}
        return application.test_client().put(UPDATE, json=body, headers=andrew.headers).status_code

    with ThreadPoolExecutor(6) as threads:
        statuses = sorted(threads.map(update, range(6)))

    assert statuses == [200] + [409] * 5


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"display_name": ""}, ("display_name_blank", "display_name")),
        ({"display_name": " \u00a0"}, ("display_name_blank", "display_name")),
        ({"display_name": "a" * 101}, ("display_name_exceed_max_chars", "display_name")),
        ({"display_name": "two\nlines"}, ("display_name_invalid", "display_name")),
        ({"display_name": "a\u202eb"}, ("display_name_invalid", "display_name")),
        ({"display_name": "A", "bio": "a" * 1025}, ("bio_exceed_max_chars", "bio")),
        ({"display_name": "A", "bio": "\0"}, ("bio_invalid", "bio")),
        *(
            (
                {"display_name": "A", "profile_version": version},
                ("profile_version_invalid", "profile_version"),
            )
            for version in (0, -1, "1", 1.5, 2**63)
        ),
    ],
)
def test_limits_of_a_profile(andrew, body, error):
    """Lengths are limited, and names have one line without control characters."""
    assert problem(andrew.put(UPDATE, body)) == (422, [error])


def test_markup_is_text(andrew, profile):
    """Markup in a name or a bio is stored and returned unchanged, as JSON."""
    andrew.put(UPDATE, {"display_name": "<b>A</b>", "bio": "<script>alert(1)</script>"})

    assert profile() == ("<b>A</b>", "<script>alert(1)</script>")
