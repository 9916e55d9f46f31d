"""Requests and responses of direct messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

import msgspec
from msgspec import Meta

from cruddur.idempotency import IdempotencyKey
from cruddur.limits import HANDLE_CHARACTERS
from cruddur.texts import DirectMessageText


class NewMessage(msgspec.Struct, frozen=True):
    """A message to a user, by *handle*, or in an existing conversation; not both.

    The codes of errors are those of the original application, with its spelling "reciever".
    """

    CODES: ClassVar = {
        "message_exceed_max_chars": "message_exceed_max_chars_1024",
        "handle_invalid": "user_reciever_handle_invalid",
        "handle_exceed_max_chars": "user_reciever_handle_invalid",
    }

    message: DirectMessageText
    handle: Annotated[str, Meta(max_length=HANDLE_CHARACTERS, pattern="^[0-9A-Za-z_]*$")] | None = (
        None
    )
    message_group_uuid: UUID | None = None
    idempotency_key: IdempotencyKey | None = None


class Message(msgspec.Struct, frozen=True):
    """A message with the current names of its sender."""

    uuid: UUID
    message_group_uuid: UUID
    user_uuid: UUID
    handle: str
    display_name: str
    avatar_url: str
    message: str
    created_at: datetime


class MessagePage(msgspec.Struct, frozen=True):
    """A page of messages, the newest first; *next_cursor* is null on the last page."""

    items: Sequence[Message]
    next_cursor: str | None


class MessageGroup(msgspec.Struct, frozen=True):
    """A conversation with the current names of the other user, and its newest message."""

    uuid: UUID
    user_uuid: UUID
    handle: str
    display_name: str
    avatar_url: str
    message: str
    created_at: datetime


class MessageGroupPage(msgspec.Struct, frozen=True):
    """A page of conversations, sorted by their newest message; *next_cursor* is null on the last page."""

    items: Sequence[MessageGroup]
    next_cursor: str | None
