"""Posts and replies, which several features return."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from cruddur.pages import Position


class Post(msgspec.Struct, frozen=True):
    """A post or a reply, with its author. *liked* and *reposted* describe the current user."""

    uuid: UUID
    display_name: str
    handle: str
    avatar_url: str
    message: str
    replies_count: int
    reposts_count: int
    likes_count: int
    liked: bool
    reposted: bool
    reply_to_activity_uuid: UUID | None
    expires_at: datetime | None
    created_at: datetime


class PostPage(msgspec.Struct, frozen=True):
    """A page of posts; *next_cursor* is null on the last page."""

    items: Sequence[Post]
    next_cursor: str | None


def position_of(post: Post) -> Position:
    """Return the place of *post* in lists."""
    return Position(post.created_at, post.uuid)
