"""Tests of cruddur.activities.routes, over PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import get_args

import pytest

from cruddur.activities.models import Lifetime
from cruddur.limits import LIFETIMES
from tests.backend.api import Api, Member, problem

HOME = "/api/activities/home"


def write(member: Member, message: str, ttl: str = "7-days") -> str:
    """Write a post and return its id."""
    return member.post("/api/activities", {"message": message, "ttl": ttl}).json["uuid"]


def reply(member: Member, post: str, message: str) -> str:
    """Write a reply and return its id."""
    return member.post(f"/api/activities/{post}/reply", {"message": message}).json["uuid"]


def expire(api: Api, post: str) -> None:
    """Move the times of a post and its replies into the past, so that they are expired."""
    api.database.execute(
        "WITH RECURSIVE thread AS (SELECT uuid FROM activities WHERE uuid = %s UNION"
        " SELECT a.uuid FROM activities a JOIN thread t ON a.reply_to_activity_uuid = t.uuid)"
        " UPDATE activities SET created_at = created_at - interval '60 days',"
        " expires_at = expires_at - interval '60 days' WHERE uuid IN (SELECT uuid FROM thread)",
        [post],
    )


def messages(page: dict) -> list[str]:
    return [item["message"] for item in page["items"]]


@pytest.mark.parametrize("ttl", LIFETIMES)
def test_posts_expire_after_the_chosen_time(andrew, ttl):
    """The options of the original determine when a post expires."""
    post = andrew.post("/api/activities", {"message": "Hello", "ttl": ttl}).json
    created, expires = (datetime.fromisoformat(post[f"{x}_at"]) for x in ("created", "expires"))

    assert expires - created == LIFETIMES[ttl]
    assert created.utcoffset() == timedelta(0)


def test_other_lifetimes_are_refused(andrew):
    """An unknown lifetime is refused with 422; the original failed with 500."""
    response = andrew.post("/api/activities", {"message": "Hello", "ttl": "100-years"})

    assert problem(response) == (422, [("ttl_invalid", "ttl")])


def test_a_post_is_returned_as_it_is_read(andrew, api):
    """The response to a new post is its item in the feed of its author."""
    post = andrew.post("/api/activities", {"message": "Hello", "ttl": "1-day"}).json

    assert andrew.get(HOME).json == {"items": [post], "next_cursor": None}
    assert post["avatar_url"].startswith("https://assets.cruddur.example/avatars/")


def test_the_feed_has_posts_of_all_users_without_replies(andrew, bayko, api):
    """The newest posts are first; replies are only in their thread."""
    first = write(andrew, "first")
    write(bayko, "second")
    reply(bayko, first, "a reply")

    assert messages(api.get(HOME).json) == ["second", "first"]


@pytest.mark.parametrize(
    ("characters", "status"), [("a" * 280, 200), ("a" * 281, 422), ("😀" * 280, 200)]
)
def test_posts_have_280_characters(andrew, characters, status):
    """Characters are code points, not bytes: an emoji of four bytes counts as one."""
    response = andrew.post("/api/activities", {"message": characters, "ttl": "1-day"})

    assert response.status_code == status
    if status == 422:
        assert problem(response) == (422, [("message_exceed_max_chars", "message")])


@pytest.mark.parametrize(("length", "status"), [(1024, 200), (1025, 422)])
def test_replies_have_1024_characters(andrew, length, status):
    """A reply may be longer than a post, and the error has the code of the original."""
    response = andrew.post(
        f"/api/activities/{write(andrew, 'post')}/reply", {"message": "é" * length}
    )

    assert response.status_code == status
    if status == 422:
        assert problem(response) == (422, [("message_exceed_max_chars_1024", "message")])


@pytest.mark.parametrize("character", ["\0", "\x07", "\x1b", "\x7f", "\x85", "\u202e", "\u2066"])
def test_control_characters_are_refused(andrew, character):
    """Control characters and characters that reverse the direction of text are refused."""
    response = andrew.post("/api/activities", {"message": f"a{character}b", "ttl": "1-day"})

    assert problem(response) == (422, [("message_invalid", "message")])


@pytest.mark.parametrize(
    "message", ["two\nlines", "a\ttab", "👩‍👩‍👧", "עברית", "<script>", "'; --"]
)
def test_other_characters_are_stored_unchanged(andrew, message):
    """Line breaks, joined emoji, any script and markup are text, returned as JSON."""
    post = write(andrew, message)
    response = andrew.get(f"/api/activities/@andrewbrown/status/{post}")

    assert response.json["activity"]["message"] == message
    assert response.content_type == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("message", ["", " ", "\n\t ", "\u00a0", None])
def test_blank_messages_are_refused(andrew, message):
    """A message needs a visible character."""
    response = andrew.post("/api/activities", {"message": message, "ttl": "1-day"})

    assert problem(response) == (422, [("message_blank", "message")])


def test_likes_are_counted_once_for_each_user(andrew, bayko):
    """A repeated request changes nothing, neither does an undo without a like."""
    path = f"/api/activities/{write(andrew, 'post')}/like"
    counts = [
        bayko.send(method, path).json["likes_count"]
        for method in ("PUT", "PUT", "DELETE", "DELETE")
    ]

    assert counts == [1, 1, 0, 0]


def test_reposts_are_counted_once_for_each_user(andrew, bayko):
    """Reposts are independent of likes."""
    path = f"/api/activities/{write(andrew, 'post')}/repost"
    bayko.send("PUT", path)
    changed = andrew.send("PUT", path).json

    assert (changed["reposts_count"], changed["likes_count"], changed["reposted"]) == (2, 0, True)


def test_concurrent_likes_are_all_counted(application, andrew, api):
    """Concurrent likes of many users are neither lost nor counted twice."""
    post = write(andrew, "post")
    members = [api.member(f"fan{number}") for number in range(12)]

    def like_twice(member: Member) -> list[int]:
        client = application.test_client()
        path, headers = f"/api/activities/{post}/like", member.headers
        return [client.put(path, headers=headers).status_code for _ in range(2)]

    with ThreadPoolExecutor(6) as threads:
        statuses = [status for pair in threads.map(like_twice, members) for status in pair]
    rows = api.database.execute("SELECT count(*) FROM likes").fetchone()[0]

    assert statuses == [200] * 24
    assert (api.get(HOME).json["items"][0]["likes_count"], rows) == (12, 12)


def test_each_user_sees_their_own_reactions(andrew, bayko, api):
    """The feed of a member has the likes of the member; the feed of anonymous users has no likes."""
    bayko.send("PUT", f"/api/activities/{write(andrew, 'post')}/like")
    liked = [client.get(HOME).json["items"][0]["liked"] for client in (bayko, andrew, api)]

    assert liked == [True, False, False]


def test_replies_are_in_order_and_counted(andrew, bayko, api):
    """The replies of a thread are in the order in which they were written."""
    post = write(andrew, "post")
    for number in range(3):
        reply(bayko, post, f"reply {number}")
    thread = api.get(f"/api/activities/@andrewbrown/status/{post}").json

    assert thread["activity"]["replies_count"] == 3
    assert messages(thread["replies"]) == ["reply 0", "reply 1", "reply 2"]


def test_replies_may_have_replies(andrew, bayko, api):
    """A reply has its own thread, and expires with the first post."""
    post = write(andrew, "post")
    answer = reply(bayko, post, "answer")
    reply(andrew, answer, "thanks")
    thread = api.get(f"/api/activities/@bayko/status/{answer}").json

    assert messages(thread["replies"]) == ["thanks"]
    assert thread["activity"]["expires_at"] == thread["replies"]["items"][0]["expires_at"] != None  # noqa: E711


def test_a_thread_belongs_to_its_author(andrew, bayko, api):
    """The path of a post names its author; under another handle it is not found."""
    post = write(andrew, "post")
    found = [
        api.get(f"/api/activities/@{handle}/status/{post}").status_code
        for handle in ("andrewbrown", "AndrewBrown", "bayko", "nobody_else")
    ]

    assert found == [200, 200, 404, 404]


def test_expired_posts_are_visible_nowhere(andrew, bayko, api):
    """An expired post, its replies and their replies are in no list, count, search or thread."""
    post = write(andrew, "wombat post")
    answer = reply(bayko, post, "wombat answer")
    nested = reply(bayko, answer, "wombat nested")
    bayko.send("PUT", f"/api/activities/{post}/like")
    expire(api, post)

    assert api.get(HOME).json["items"] == []
    assert api.get("/api/activities/search?term=wombat").json["items"] == []
    assert andrew.get("/api/activities/notifications").json["items"] == []
    profile = api.get("/api/activities/@andrewbrown").json
    assert (profile["profile"]["cruds_count"], profile["activities"]["items"]) == (0, [])
    for uuid, handle in ((post, "andrewbrown"), (answer, "bayko"), (nested, "bayko")):
        assert api.get(f"/api/activities/@{handle}/status/{uuid}").status_code == 404
        not_found = (404, [("activity_not_found", "activity_uuid")])
        assert problem(andrew.post(f"/api/activities/{uuid}/reply", {"message": "x"})) == not_found
        for method in ("PUT", "DELETE"):
            assert problem(andrew.send(method, f"/api/activities/{uuid}/like")) == not_found
            assert problem(andrew.send(method, f"/api/activities/{uuid}/repost")) == not_found


def test_a_post_that_expires_while_it_is_shown(andrew, api):
    """A post is visible until the moment of its expiry."""
    post = write(andrew, "post")
    api.database.execute(
        "UPDATE activities SET expires_at = clock_timestamp() + interval '200 ms' WHERE uuid = %s",
        [post],
    )
    before = messages(api.get(HOME).json)
    api.database.execute("SELECT pg_sleep(0.25)")

    assert (before, messages(api.get(HOME).json)) == (["post"], [])


def test_unknown_posts_are_not_found(andrew):
    """A reply or a reaction to a post that does not exist is refused with 404."""
    unknown = "/api/activities/00000000-0000-4000-8000-000000000000"
    responses = [
        andrew.post(f"{unknown}/reply", {"message": "x"}),
        *(andrew.send(method, f"{unknown}/like") for method in ("PUT", "DELETE")),
    ]

    expected = (404, [("activity_not_found", "activity_uuid")])
    assert [problem(response) for response in responses] == [expected] * 3


def test_pages_neither_repeat_nor_omit_posts(andrew, api):
    """Posts that are written while a list is read do not shift its pages."""
    for number in range(7):
        write(andrew, f"post {number}")
    seen, cursor = [], ""
    while cursor is not None:
        page = api.get(f"{HOME}?limit=3{cursor and f'&cursor={cursor}'}").json
        seen += messages(page)
        cursor = page["next_cursor"]
        write(andrew, "newer")

    assert seen == [f"post {number}" for number in reversed(range(7))]


def test_posts_of_the_same_time_are_all_listed(andrew, api):
    """The id decides the order of posts with the same time."""
    for number in range(6):
        write(andrew, f"post {number}")
    api.database.execute("UPDATE activities SET created_at = '2026-01-01'")
    first = api.get(f"{HOME}?limit=4").json
    second = api.get(f"{HOME}?limit=4&cursor={first['next_cursor']}").json

    assert sorted(messages(first) + messages(second)) == [f"post {number}" for number in range(6)]


def test_threads_have_pages(andrew, api):
    """The replies of a thread continue in order on the next page."""
    post = write(andrew, "post")
    for number in range(5):
        reply(andrew, post, f"reply {number}")
    path = f"/api/activities/@andrewbrown/status/{post}?limit=3"
    first = api.get(path).json["replies"]
    second = api.get(f"{path}&cursor={first['next_cursor']}").json["replies"]

    assert messages(first) + messages(second) == [f"reply {number}" for number in range(5)]


def test_profiles_have_posts_without_replies(andrew, bayko, api):
    """A profile has the posts of one user, their number, and the address of the avatar."""
    post = write(andrew, "post")
    reply(andrew, post, "reply")
    write(bayko, "of another user")
    page = api.get("/api/activities/@ANDREWBROWN").json

    assert messages(page["activities"]) == ["post"]
    assert page["profile"]["cruds_count"] == 1
    assert page["profile"].keys() == {
        *("uuid", "handle", "display_name", "avatar_url", "bio"),
        *("cruds_count", "profile_version", "created_at"),
    }


def test_unknown_profiles_are_not_found(api):
    """An unknown profile is 404; the original returned the text {} with the status 200."""
    expected = (404, [("user_not_found", "handle")])

    assert problem(api.get("/api/activities/@unknown")) == expected
    assert problem(api.get("/api/users/@unknown/short")) == expected


@pytest.mark.parametrize(
    ("term", "found"),
    [
        ("boats", ["boats and trains"]),
        ("BOATS", ["boats and trains"]),
        ("trai", ["boats and trains"]),
        ("trains boats", ["boats and trains"]),
        ("trai boats", []),
        ("oats", []),
        ("100%25", ["100% of boat"]),
        ("boat", ["100% of boat", "boats and trains"]),
        ("%25", []),
        ("_", []),
        ("*", []),
        ("'", []),
        ("boats'", ["boats and trains"]),
        ("boats:*|x", []),
        ("!boats", ["boats and trains"]),
        ("boats%26!trains", ["boats and trains"]),
        ("';DROP TABLE users;--", []),
        ("\\", []),
        ("żółw", ["ŻÓŁW"]),
    ],
)
def test_search(andrew, api, term, found):
    """All words must match, the last one as a prefix; no character has a special meaning."""
    for message in ("boats and trains", "100% of boat", "ŻÓŁW"):
        write(andrew, message)

    response = api.get("/api/activities/search", query_string=f"term={term}")

    assert (response.status_code, messages(response.json)) == (200, found)


@pytest.mark.parametrize(
    ("term", "code"),
    [("", "search_term_blank"), ("%20", "search_term_blank"), ("a" * 101, "term_exceed_max_chars")],
)
def test_search_terms(api, term, code):
    """A blank term and a term of more than 100 characters are refused."""
    assert problem(api.get(f"/api/activities/search?term={term}")) == (422, [(code, "term")])


def test_a_search_finds_replies_and_has_pages(andrew, bayko, api):
    """A search finds replies as well as posts, the newest first, on several pages."""
    post = write(andrew, "about cats 0")
    for number in range(1, 5):
        reply(bayko, post, f"about cats {number}")
    first = api.get("/api/activities/search?term=cats&limit=3").json
    cursor = first["next_cursor"]
    second = api.get(f"/api/activities/search?term=cats&limit=3&cursor={cursor}").json

    found = messages(first) + messages(second)
    assert found == [f"about cats {number}" for number in reversed(range(5))]


def test_the_documented_lifetimes_are_those_of_the_limits():
    """Each value of `ttl` that the document allows has a lifetime, and there is no other."""
    assert get_args(Lifetime) == tuple(LIFETIMES)
