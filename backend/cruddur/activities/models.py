"""Requests and responses of posts."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from cruddur.idempotency import IdempotencyKey
from cruddur.limits import DEFAULT_PAGE_ITEMS
from cruddur.pages import Cursor, Limit
from cruddur.posts import Post, PostPage
from cruddur.texts import PostText, ReplyText, SearchTerm

Lifetime = Literal["30-days", "7-days", "3-days", "1-day", "12-hours", "3-hours", "1-hour"]


class NewPost(msgspec.Struct, frozen=True):
    """A new post, and the time until it expires."""

    message: PostText
    ttl: Lifetime
    idempotency_key: IdempotencyKey | None = None


class NewReply(msgspec.Struct, frozen=True):
    """A new reply, which expires with its post."""

    # Error codes that replace the default ones: see `cruddur.requests`.
    CODES: ClassVar = {"message_exceed_max_chars": "message_exceed_max_chars_1024"}

    message: ReplyText
    idempotency_key: IdempotencyKey | None = None


class SearchQuery(msgspec.Struct, frozen=True):
    """The parameters of a search."""

    CODES: ClassVar = {"term_blank": "search_term_blank"}

    term: SearchTerm
    cursor: Cursor | None = None
    limit: Limit = DEFAULT_PAGE_ITEMS


class Reactions(msgspec.Struct, frozen=True):
    """The counts of a post after the request, and whether the user likes and reposted the post."""

    uuid: UUID
    replies_count: int
    reposts_count: int
    likes_count: int
    liked: bool
    reposted: bool


class Profile(msgspec.Struct, frozen=True):
    """A user as other users see them; *cruds_count* is the number of their posts."""

    uuid: UUID
    handle: str
    display_name: str
    avatar_url: str
    bio: str
    cruds_count: int
    profile_version: int
    created_at: datetime


class ProfilePage(msgspec.Struct, frozen=True):
    """A profile, and a page of the newest posts of the user."""

    profile: Profile
    activities: PostPage


class Thread(msgspec.Struct, frozen=True):
    """A post or a reply, and a page of its replies, the oldest first."""

    activity: Post
    replies: PostPage
