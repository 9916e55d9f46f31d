"""Users, messages and conversations, and their items in the table."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from cruddur.messages.table import Item

# The UUID namespace of conversation ids; see conversation_id.
_NAMESPACE = uuid.UUID("0b1f4b0e-52f5-4f0e-8a5e-6d1c7f3f9f55")


@dataclass(frozen=True)
class User:
    """A user as messages show them."""

    uuid: str
    handle: str
    display_name: str


@dataclass(frozen=True)
class Message:
    """A message that *user* sent at *created_at*: UTC in ISO 8601, with microseconds."""

    uuid: str
    conversation: str
    user: User
    text: str
    created_at: str


@dataclass(frozen=True)
class Conversation:
    """A conversation in the list of one participant; *user* is the other participant.

    *text* is the message that was sent at *created_at*. *key* is the sort key in the list.
    """

    uuid: str
    user: User
    text: str
    created_at: str
    key: str


def conversation_id(*users: str) -> str:
    """Return the id of the conversation between two users: a UUIDv5 (RFC 9562, section 5.5).

    The id does not depend on the order of *users*, so two users have one conversation.
    """
    first, second = sorted(users)
    return str(uuid.uuid5(_NAMESPACE, f"{first}:{second}"))


def timestamp(time: datetime) -> str:
    """Return *time* in the format of sort keys, which are compared as texts."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def message_item(message: Message) -> Item:
    """Return the item of *message* in its conversation."""
    return _texts(
        pk=f"MSG#{message.conversation}",
        sk=message.created_at,
        message_uuid=message.uuid,
        message=message.text,
        **_user_texts(message.user),
    )


def conversation_item(participant: User, other: User, first: Message) -> Item:
    """Return the item of a conversation in the list of *participant*."""
    return _texts(
        pk=f"GRP#{participant.uuid}",
        sk=first.created_at,
        message_group_uuid=first.conversation,
        message=first.text,
        **_user_texts(other),
    )


def new_conversation_item(receiver: User, first: Message) -> Item:
    """Return the item that notifies *receiver* of a conversation that another user started."""
    return _texts(
        pk=f"NEW#{receiver.uuid}",
        sk=f"{first.created_at}#{first.conversation}",
        conversation_uuid=first.conversation,
        message=first.text,
        **_user_texts(first.user),
    )


def participants_item(first: Message, receiver: User) -> Item:
    """Return the item that names the participants of a conversation."""
    return {
        **_texts(pk=f"CNV#{first.conversation}", sk="CNV", created_at=first.created_at),
        "participants": {"SS": sorted((first.user.uuid, receiver.uuid))},
    }


def key_item(message: Message, key: str, expires_at: datetime) -> Item:
    """Return the item of an idempotency *key*, which DynamoDB deletes after *expires_at*."""
    return {
        **message_item(message),
        **_texts(
            pk=f"KEY#{message.user.uuid}#{key}",
            sk="KEY",
            created_at=message.created_at,
            conversation_uuid=message.conversation,
        ),
        "expires_at": {"N": str(int(expires_at.timestamp()))},
    }


def message_of(item: Item) -> Message:
    """Return the message of a MSG item."""
    return Message(
        uuid=item["message_uuid"]["S"],
        conversation=item["pk"]["S"].removeprefix("MSG#"),
        user=_user_of(item),
        text=item["message"]["S"],
        created_at=item["sk"]["S"],
    )


def message_of_key(item: Item) -> Message:
    """Return the message of a KEY item."""
    return Message(
        uuid=item["message_uuid"]["S"],
        conversation=item["conversation_uuid"]["S"],
        user=_user_of(item),
        text=item["message"]["S"],
        created_at=item["created_at"]["S"],
    )


def conversation_of(item: Item) -> Conversation:
    """Return the conversation of a GRP item.

    If two conversations of a user have the same time, the Lambda function messaging_stream adds a
    suffix to one of the two sort keys.
    """
    return _conversation(item, item["message_group_uuid"]["S"])


def new_conversation_of(item: Item) -> Conversation:
    """Return the conversation of a NEW item, with its first message."""
    return _conversation(item, item["conversation_uuid"]["S"])


def _conversation(item: Item, conversation: str) -> Conversation:
    key = item["sk"]["S"]
    return Conversation(
        uuid=conversation,
        user=_user_of(item),
        text=item["message"]["S"],
        created_at=key.partition("#")[0],
        key=key,
    )


def _texts(**attributes: str) -> Item:
    return {name: {"S": text} for name, text in attributes.items()}


def _user_texts(user: User) -> dict[str, str]:
    return {
        "user_uuid": user.uuid,
        "user_handle": user.handle,
        "user_display_name": user.display_name,
    }


def _user_of(item: Item) -> User:
    return User(
        uuid=item["user_uuid"]["S"],
        handle=item["user_handle"]["S"],
        display_name=item["user_display_name"]["S"],
    )
