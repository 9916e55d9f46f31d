"""Merge the notifications about replies and about conversations."""

from __future__ import annotations

from collections.abc import Iterator

from cruddur.avatars import with_avatar_url
from cruddur.identity import Identity
from cruddur.notifications.models import (
    ConversationNotification,
    Notification,
    NotificationPage,
    ReplyNotification,
)
from cruddur.pages import NEWEST, PageQuery, Position, cut, position
from cruddur.posts import Post
from cruddur.services import Services
from cruddur.statements import Statement

_REPLIES = Statement("notifications/sql/replies.sql")


def notifications(services: Services, user: Identity, query: PageQuery) -> NotificationPage:
    """Return the newest notifications of *user*.

    Each source returns up to one item more than the page has. So no item is missing in the merged
    page, and an additional item shows that there is a next page.
    """
    before, limit = position(query, NEWEST), query.limit + 1
    found = [
        *_replies(services, user, before, limit),
        *_conversations(services, user, before, limit),
    ]
    found.sort(key=lambda item: (item.created_at, item.uuid), reverse=True)
    return NotificationPage(*cut(found, query.limit, _position_of))


def _replies(
    services: Services, user: Identity, before: Position, limit: int
) -> Iterator[Notification]:
    parameters = {"viewer": user.cognito_user_id, "limit": limit, **before.parameters}
    row = with_avatar_url(Post, services.settings.assets_url)
    for post in services.database.all(_REPLIES, parameters, row):
        yield ReplyNotification(post.uuid, post.created_at, post)


def _conversations(
    services: Services, user: Identity, before: Position, limit: int
) -> Iterator[Notification]:
    """Yield the conversations that are older than *before*.

    The source also returns a conversation at the time of *before*, which the previous page may have.
    """
    source, sub = services.new_conversations, user.cognito_user_id
    newest = source.newest(sub, until=before.time, limit=limit + 1)
    for conversation in newest:
        if (conversation.created_at, conversation.uuid) < (before.time, before.id):
            yield ConversationNotification(
                conversation.uuid,
                conversation.created_at,
                conversation.handle,
                conversation.display_name,
                conversation.message,
            )


def _position_of(notification: Notification) -> Position:
    return Position(notification.created_at, notification.uuid)
