"""The notifications of a user."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from cruddur.posts import Post


class ReplyNotification(msgspec.Struct, frozen=True, tag_field="kind", tag="reply"):
    """A reply of another user to a post of the user; *activity* is the reply."""

    uuid: UUID
    created_at: datetime
    activity: Post


class ConversationNotification(msgspec.Struct, frozen=True, tag_field="kind", tag="conversation"):
    """A conversation that another user started; *message* is its first message."""

    uuid: UUID
    created_at: datetime
    handle: str
    display_name: str
    message: str


Notification = ReplyNotification | ConversationNotification


class NotificationPage(msgspec.Struct, frozen=True):
    """A page of notifications, the newest first; *next_cursor* is null on the last page."""

    items: Sequence[Notification]
    next_cursor: str | None
