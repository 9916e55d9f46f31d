"""Conversations and messages in the emulator's DynamoDB."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from cruddur.messages.conversation import conversation_id
from cruddur.messages.store import KeyReusedError, NotParticipantError
from lambdas.messaging_stream.records import is_timestamp
from tests.backend.messages.conftest import DELENN, GKAR, LONDO

KEY = "6a9e3c39-6d4b-4a8c-8a3e-2a6a3a6f7d10"


def listed(store, user):
    """Return the other user and the text of each conversation of *user*."""
    found = store.conversations(user.uuid, limit=20)
    return [(conversation.user, conversation.text) for conversation in found]


def texts(store, user, conversation, **page):
    """Return the texts of the messages that *user* reads."""
    found = store.messages(user.uuid, conversation, **{"limit": 20, **page})
    return [message.text for message in found]


def test_start(store):
    """Both participants see a new conversation, with the other user."""
    store.start(LONDO, GKAR, "What do you want?")

    assert listed(store, LONDO) == [(GKAR, "What do you want?")]
    assert listed(store, GKAR) == [(LONDO, "What do you want?")]


def test_message(store):
    """A message has its sender and a time in the format of the stream function."""
    sent = store.start(LONDO, GKAR, "What do you want?")

    assert store.messages(GKAR.uuid, sent.conversation, limit=20) == [sent]
    assert (sent.user, sent.text) == (LONDO, "What do you want?")
    assert is_timestamp(sent.created_at)


@pytest.mark.parametrize("sender", [LONDO, GKAR], ids=["same", "other"])
def test_second_start(store, clock, sender):
    """Two users have one conversation, and either of them can start it again (defect 99)."""
    first = store.start(LONDO, GKAR, "one")
    clock.forward(seconds=1)
    receiver = GKAR if sender == LONDO else LONDO

    second = store.start(sender, receiver, "two")

    assert second.conversation == first.conversation
    assert texts(store, GKAR, first.conversation) == ["two", "one"]


def test_concurrent_starts(store):
    """Of concurrent first messages one starts the conversation, and none is lost."""
    with ThreadPoolExecutor(4) as pool:
        sent = list(pool.map(lambda n: store.start(LONDO, GKAR, f"{n}"), range(4)))

    assert len({message.conversation for message in sent}) == 1
    assert sorted(texts(store, GKAR, sent[0].conversation)) == ["0", "1", "2", "3"]
    assert len(listed(store, GKAR)) == 1


def test_conversation_with_oneself(store):
    """A conversation needs two users (defect 99)."""
    with pytest.raises(ValueError, match="two users"):
        store.start(LONDO, LONDO, "Hello")


def test_conversation_id():
    """The id of a conversation depends on its users, not on their order."""
    assert conversation_id(LONDO.uuid, GKAR.uuid) == conversation_id(GKAR.uuid, LONDO.uuid)
    assert conversation_id(LONDO.uuid, GKAR.uuid) != conversation_id(LONDO.uuid, DELENN.uuid)


def test_stranger_cannot_read(store):
    """Messages are visible to the participants only (defect 97)."""
    sent = store.start(LONDO, GKAR, "secret")

    with pytest.raises(NotParticipantError):
        store.messages(DELENN.uuid, sent.conversation, limit=20)


def test_stranger_cannot_send(store):
    """Only the participants send messages to a conversation (defect 97)."""
    sent = store.start(LONDO, GKAR, "secret")

    with pytest.raises(NotParticipantError):
        store.send(DELENN, sent.conversation, "Hello")

    assert texts(store, GKAR, sent.conversation) == ["secret"]


@pytest.mark.parametrize("call", ["send", "messages"])
def test_unknown_conversation(store, call):
    """A conversation that does not exist is like one of other users."""
    arguments = {"send": (LONDO, KEY, "Hello"), "messages": (LONDO.uuid, KEY)}[call]

    with pytest.raises(NotParticipantError):
        getattr(store, call)(*arguments, **({"limit": 20} if call == "messages" else {}))


def test_same_time(store):
    """Messages with the same time are all kept (defect 93)."""
    sent = store.start(LONDO, GKAR, "one")
    store.send(GKAR, sent.conversation, "two")
    store.send(LONDO, sent.conversation, "three")

    assert texts(store, LONDO, sent.conversation) == ["three", "two", "one"]


def test_conversations_with_the_same_time(store):
    """Two conversations of a user that start at the same time are both kept."""
    store.start(LONDO, GKAR, "to G'Kar")
    store.start(LONDO, DELENN, "to Delenn")

    assert listed(store, LONDO) == [(DELENN, "to Delenn"), (GKAR, "to G'Kar")]


def test_pages_of_messages(store, clock):
    """Pages contain every message once, across a change of the year (defect 95)."""
    conversation = store.start(LONDO, GKAR, "0").conversation
    for number in range(1, 5):
        clock.forward(days=30)
        store.send(LONDO, conversation, f"{number}")

    read, before = [], None
    while page := store.messages(GKAR.uuid, conversation, before=before, limit=2):
        read += [message.text for message in page]
        before = page[-1].created_at

    assert read == ["4", "3", "2", "1", "0"]


def test_pages_of_conversations(store, clock):
    """Pages contain every conversation once, that with the newest message first."""
    store.start(LONDO, GKAR, "one")
    clock.forward(seconds=1)
    store.start(DELENN, LONDO, "two")

    (newest,) = store.conversations(LONDO.uuid, limit=1)
    (older,) = store.conversations(LONDO.uuid, before=newest.key, limit=1)

    assert (newest.user, older.user) == (DELENN, GKAR)
    assert store.conversations(LONDO.uuid, before=older.key, limit=1) == []


def test_starts(store, clock):
    """A user is notified of conversations that others started, not of later messages."""
    sent = store.start(LONDO, GKAR, "one")
    clock.forward(seconds=1)
    store.start(GKAR, DELENN, "two")
    store.send(GKAR, sent.conversation, "three")

    found = store.new_conversations(GKAR.uuid, limit=20)

    assert [(conversation.user, conversation.text) for conversation in found] == [(LONDO, "one")]
    assert store.new_conversations(LONDO.uuid, limit=20) == []


@pytest.mark.parametrize("again", ["start", "send"])
def test_repeated_key(store, clock, again):
    """A message that is sent again with its idempotency key is stored once."""
    first = store.start(LONDO, GKAR, "one", KEY)
    clock.forward(seconds=5)

    if again == "start":
        second = store.start(LONDO, GKAR, "one", KEY)
    else:
        second = store.send(LONDO, first.conversation, "one", KEY)

    assert second == first
    assert texts(store, GKAR, first.conversation) == ["one"]


def test_reused_key(store):
    """An idempotency key of another text is refused."""
    first = store.start(LONDO, GKAR, "one", KEY)

    with pytest.raises(KeyReusedError):
        store.send(LONDO, first.conversation, "two", KEY)

    assert texts(store, GKAR, first.conversation) == ["one"]


def test_key_of_another_user(store):
    """Users do not share idempotency keys."""
    first = store.start(LONDO, GKAR, "one", KEY)

    second = store.send(GKAR, first.conversation, "two", KEY)

    assert (second.user, second.text) == (GKAR, "two")


def test_key_expires(store, table):
    """An idempotency key is kept for a day, and a message forever."""
    store.start(LONDO, GKAR, "one", KEY)

    items = table.client.scan(TableName=table.name)["Items"]

    expiring = {item["pk"]["S"]: item["expires_at"] for item in items if "expires_at" in item}
    assert expiring == {f"KEY#{LONDO.uuid}#{KEY}": {"N": "1795262400"}}


def test_current_names(store):
    """A message shows the names that its sender has when it is sent (defect 100)."""
    sent = store.start(LONDO, GKAR, "one")

    renamed = store.send(replace(LONDO, display_name="Emperor"), sent.conversation, "two")

    assert renamed.user.display_name == "Emperor"
