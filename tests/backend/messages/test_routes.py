"""The endpoints of direct messages, with PostgreSQL and the emulator's DynamoDB."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cruddur.messages.table import Table, UnavailableError
from tests.backend.api import problem
from tests.backend.messages.conftest import application_with

UNKNOWN = "00000000-0000-4000-8000-000000000000"
KEY = "6a9e3c39-6d4b-4a8c-8a3e-2a6a3a6f7d10"
PATHS = [
    ("GET", "/api/message_groups"),
    ("GET", f"/api/messages/{UNKNOWN}"),
    ("POST", "/api/messages"),
]


def sent(response):
    """Return the message of a successful response."""
    assert response.status_code == 200, response.data
    return response.json


def messages(member, conversation, **query):
    """Return the page of a conversation."""
    response = member.get(f"/api/messages/{conversation}", query_string=query)
    assert response.status_code == 200, response.data
    return response.json


def groups(member, **query):
    """Return the page of the member's conversations."""
    response = member.get("/api/message_groups", query_string=query)
    assert response.status_code == 200, response.data
    return response.json


def test_conversation(andrew, bayko):
    """A message to a user starts a conversation that both see, each with the other user."""
    message = sent(andrew.post("/api/messages", {"handle": "bayko", "message": "Hello"}))

    (of_andrew,), (of_bayko,) = groups(andrew)["items"], groups(bayko)["items"]
    assert (of_andrew["handle"], of_bayko["handle"]) == ("bayko", "andrewbrown")
    assert of_andrew["uuid"] == of_bayko["uuid"] == message["message_group_uuid"]
    assert of_andrew["message"] == of_bayko["message"] == "Hello"


def test_response(andrew, bayko):
    """The response has the ids of the message and its conversation (defect 101)."""
    message = sent(andrew.post("/api/messages", {"handle": "BAYKO", "message": "Hello"}))

    assert message.keys() == {
        "uuid",
        "message_group_uuid",
        "user_uuid",
        "handle",
        "display_name",
        "avatar_url",
        "message",
        "created_at",
    }
    assert (message["user_uuid"], message["handle"]) == (andrew.uuid, "andrewbrown")
    assert messages(bayko, message["message_group_uuid"])["items"] == [message]


def test_reply(andrew, bayko, clock):
    """Both participants send messages to their conversation; the newest is first."""
    group = sent(andrew.post("/api/messages", {"handle": "bayko", "message": "one"}))
    clock.forward(seconds=1)
    body = {"message_group_uuid": group["message_group_uuid"], "message": "two"}

    sent(bayko.post("/api/messages", body))

    items = messages(andrew, group["message_group_uuid"])["items"]
    assert [(item["handle"], item["message"]) for item in items] == [
        ("bayko", "two"),
        ("andrewbrown", "one"),
    ]


def test_second_conversation(andrew, bayko):
    """A second message to the user's handle is in the same conversation (defect 99)."""
    first = sent(andrew.post("/api/messages", {"handle": "bayko", "message": "one"}))
    second = sent(bayko.post("/api/messages", {"handle": "andrewbrown", "message": "two"}))

    assert second["message_group_uuid"] == first["message_group_uuid"]


def test_names_are_current(andrew, bayko):
    """Messages and conversations have the names and avatars that users have now (defect 100)."""
    message = sent(andrew.post("/api/messages", {"handle": "bayko", "message": "Hello"}))
    andrew.put("/api/profile/update", {"display_name": "Emperor"})

    (item,) = messages(bayko, message["message_group_uuid"])["items"]
    (group,) = groups(bayko)["items"]
    assert item["display_name"] == group["display_name"] == "Emperor"
    assert item["avatar_url"].startswith("https://assets.cruddur.example/avatars/")


def test_deleted_user(andrew, bayko):
    """Messages of a deleted user are shown with their last names."""
    message = sent(andrew.post("/api/messages", {"handle": "bayko", "message": "Hello"}))
    andrew.database.execute("DELETE FROM users WHERE handle = 'andrewbrown'")

    (item,) = messages(bayko, message["message_group_uuid"])["items"]

    assert (item["handle"], item["avatar_url"]) == ("andrewbrown", "")


def test_pages(andrew, bayko, clock):
    """Pages with cursors contain all messages and all conversations."""
    andrew.member("londo")
    for handle in ("bayko", "londo"):
        group = sent(andrew.post("/api/messages", {"handle": handle, "message": "0"}))
        for number in range(1, 3):
            clock.forward(seconds=1)
            body = {"message_group_uuid": group["message_group_uuid"], "message": f"{number}"}
            sent(andrew.post("/api/messages", body))

    page = messages(andrew, group["message_group_uuid"], limit=2)
    last = messages(andrew, group["message_group_uuid"], limit=2, cursor=page["next_cursor"])
    newest = groups(andrew, limit=1)
    oldest = groups(andrew, limit=1, cursor=newest["next_cursor"])

    assert [item["message"] for item in page["items"] + last["items"]] == ["2", "1", "0"]
    assert [item["handle"] for item in newest["items"] + oldest["items"]] == ["londo", "bayko"]
    assert last["next_cursor"] is oldest["next_cursor"] is None


@pytest.mark.parametrize("cursor", ["", "a", "!", "WzFd", "IiI", "Iic7IERST1AgVEFCTEUi"])
@pytest.mark.parametrize("path", ["/api/message_groups", "/api/messages/{group}"])
def test_invalid_cursor(andrew, bayko, path, cursor):
    """A cursor of another list, or with other characters, is refused."""
    group = sent(andrew.post("/api/messages", {"handle": "bayko", "message": "Hello"}))
    path = path.format(group=group["message_group_uuid"])

    response = andrew.get(path, query_string={"cursor": cursor})

    assert problem(response) == (422, [("cursor_invalid", "cursor")])


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_anonymous(api, method, path):
    """Direct messages need a token."""
    response = api.send(method, path)

    assert problem(response) == (401, [("cognito_user_id_blank", "authorization")])


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_without_profile(api, andrew, method, path):
    """A user whose sign-up is not complete has no messages."""
    api.database.execute("DELETE FROM users")
    body = {"json": {"handle": "bayko", "message": "Hello"}} if method == "POST" else {}

    response = andrew.send(method, path, **body)

    assert problem(response) == (403, [("profile_missing", "authorization")])


def test_other_member(api, andrew, bayko):
    """Other users neither read nor write a conversation; the response is as for an unknown conversation."""
    stranger = api.member("londo")
    group = sent(andrew.post("/api/messages", {"handle": "bayko", "message": "Hello"}))
    id_ = group["message_group_uuid"]
    refused = (404, [("message_group_not_found", "message_group_uuid")])

    write = stranger.post("/api/messages", {"message_group_uuid": id_, "message": "Hi"})

    assert problem(stranger.get(f"/api/messages/{id_}")) == refused
    assert problem(write) == refused
    assert problem(stranger.get(f"/api/messages/{UNKNOWN}")) == refused
    assert groups(stranger)["items"] == []


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, [("message_blank", "message")]),
        ({"message": "Hello"}, [("user_reciever_handle_blank", "handle")]),
        ({"message": "Hello", "handle": ""}, [("user_reciever_handle_blank", "handle")]),
        ({"message": " ", "handle": "bayko"}, [("message_blank", "message")]),
        ({"message": None, "handle": "bayko"}, [("message_blank", "message")]),
        ({"message": 1, "handle": "bayko"}, [("message_invalid", "message")]),
        ({"message": "\x00", "handle": "bayko"}, [("message_invalid", "message")]),
        (
            {"message": "x" * 1025, "handle": "bayko"},
            [("message_exceed_max_chars_1024", "message")],
        ),
        ({"message": "Hello", "handle": "@bayko"}, [("user_reciever_handle_invalid", "handle")]),
        ({"message": "Hello", "handle": "x" * 31}, [("user_reciever_handle_invalid", "handle")]),
        ({"message": "Hello", "handle": 1}, [("user_reciever_handle_invalid", "handle")]),
        ({"message": "Hello", "handle": "nobody"}, [("user_reciever_not_found", "handle")]),
        ({"message": "Hello", "handle": "ANDREWBROWN"}, [("user_reciever_is_sender", "handle")]),
        (
            {"message": "Hello", "message_group_uuid": "x"},
            [("message_group_uuid_invalid", "message_group_uuid")],
        ),
        (
            {"message": "Hello", "message_group_uuid": UNKNOWN, "handle": "bayko"},
            [("message_group_uuid_and_handle", "handle")],
        ),
        (
            {"message": "Hello", "handle": "bayko", "idempotency_key": "x"},
            [("idempotency_key_invalid", "idempotency_key")],
        ),
        (
            {"message": "x" * 1025, "handle": 1},
            [
                ("message_exceed_max_chars_1024", "message"),
                ("user_reciever_handle_invalid", "handle"),
            ],
        ),
    ],
)
def test_malformed(andrew, bayko, body, errors):
    """A wrong body is refused with all its errors, and nothing is sent (defects 105, 106)."""
    assert problem(andrew.post("/api/messages", body)) == (422, errors)
    assert groups(andrew)["items"] == []


@pytest.mark.parametrize("path", ["x", "%00", f"{UNKNOWN}x", f"{UNKNOWN}/x"])
def test_malformed_path(andrew, path):
    """An id that is not a UUID is not found."""
    assert problem(andrew.get(f"/api/messages/{path}"))[0] == 404


def test_longest_message(andrew, bayko):
    """A message has up to 1,024 characters, whatever their length in bytes."""
    text = "😀" * 1024

    message = sent(andrew.post("/api/messages", {"handle": "bayko", "message": text}))

    assert message["message"] == text


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"data": b"{", "content_type": "application/json"}, 400),
        ({"data": b"{}", "content_type": "text/plain"}, 415),
        ({"data": b" " * 70_000, "content_type": "application/json"}, 413),
    ],
)
def test_body(andrew, options, status):
    """A body that is not JSON, of another type or too large is refused."""
    assert problem(andrew.send("POST", "/api/messages", **options))[0] == status


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/message_groups"), ("PUT", "/api/messages"), ("DELETE", PATHS[1][1])],
)
def test_method(andrew, method, path):
    """Other methods are refused."""
    assert problem(andrew.send(method, path))[0] == 405


def test_idempotency_key(andrew, bayko):
    """A message that is sent again after a lost response is stored once."""
    body = {"handle": "bayko", "message": "Hello", "idempotency_key": KEY}
    first, second = sent(andrew.post("/api/messages", body)), andrew.post("/api/messages", body)

    assert sent(second) == first
    assert messages(bayko, first["message_group_uuid"])["items"] == [first]


def test_reused_idempotency_key(andrew, bayko):
    """Another message with the key of an earlier one is refused."""
    body = {"handle": "bayko", "message": "Hello", "idempotency_key": KEY}
    sent(andrew.post("/api/messages", body))

    response = andrew.post("/api/messages", body | {"message": "Bye"})

    assert problem(response) == (409, [("idempotency_key_reused", "idempotency_key")])


def test_notification(andrew, bayko):
    """A user is notified of a conversation that another user started, with current names."""
    sent(andrew.post("/api/messages", {"handle": "bayko", "message": "Hello"}))
    andrew.put("/api/profile/update", {"display_name": "Emperor"})

    (notification,) = bayko.get("/api/activities/notifications").json["items"]

    assert notification["kind"] == "conversation"
    assert (notification["display_name"], notification["message"]) == ("Emperor", "Hello")
    assert andrew.get("/api/activities/notifications").json["items"] == []


class UnavailableTable(Table):
    """A table that DynamoDB throttles."""

    def _unavailable(self, *arguments, **options):
        raise UnavailableError("ThrottlingException")

    item = newest = write = _unavailable


@pytest.mark.usefixtures("bayko")
@pytest.mark.parametrize(("method", "path"), [*PATHS, ("GET", "/api/activities/notifications")])
def test_throttled(services, store, andrew, method, path):
    """While DynamoDB throttles requests, clients are asked to retry."""
    throttled = replace(store, table=UnavailableTable(store.table.client, "messages"))
    member = replace(andrew, client=application_with(services, throttled).test_client())
    body = {"json": {"handle": "bayko", "message": "Hello"}} if method == "POST" else {}

    response = member.send(method, path, **body)

    assert problem(response) == (503, [])
    assert int(response.headers["Retry-After"]) > 0
