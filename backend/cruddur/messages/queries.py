"""Read and send direct messages on behalf of a user."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from cruddur.idempotency import key_reused
from cruddur.identity import Identity
from cruddur.messages import users
from cruddur.messages.conversation import Conversation
from cruddur.messages.conversation import Message as StoredMessage
from cruddur.messages.models import (
    Message,
    MessageGroup,
    MessageGroupPage,
    MessagePage,
    NewMessage,
)
from cruddur.messages.store import KeyReusedError, NotParticipantError
from cruddur.messages.table import UnavailableError
from cruddur.pages import PageQuery, cut, sort_key
from cruddur.problems import FieldError, invalid, not_found, unavailable
from cruddur.services import Services


def conversations(services: Services, identity: Identity, query: PageQuery) -> MessageGroupPage:
    """Return the conversations of the user, the one with the newest message first."""
    user = users.sender(services, identity)
    with _problems():
        found = services.messages.conversations(
            user.uuid, before=sort_key(query), limit=query.limit + 1
        )
    items, next_cursor = cut(found, query.limit, lambda conversation: conversation.key)
    return MessageGroupPage(_groups(services, items), next_cursor)


def messages(
    services: Services, identity: Identity, conversation: str, query: PageQuery
) -> MessagePage:
    """Return the messages of a conversation, the newest first.

    Raises ProblemError 404 if the user is not a participant.
    """
    user = users.sender(services, identity)
    with _problems():
        found = services.messages.messages(
            user.uuid, conversation, before=sort_key(query), limit=query.limit + 1
        )
    items, next_cursor = cut(found, query.limit, lambda message: message.created_at)
    return MessagePage(_messages(services, items), next_cursor)


def send(services: Services, identity: Identity, new: NewMessage) -> Message:
    """Send a message to another user, or in an existing conversation."""
    user = users.sender(services, identity)
    key = str(new.idempotency_key) if new.idempotency_key else None
    store = services.messages
    if new.message_group_uuid and new.handle:
        raise invalid(FieldError("message_group_uuid_and_handle", "handle"))
    if new.message_group_uuid:
        with _problems():
            sent = store.send(user, str(new.message_group_uuid), new.message, key)
    else:
        if not new.handle or not new.handle.strip():
            raise invalid(FieldError("user_reciever_handle_blank", "handle"))
        receiver = users.receiver(services, new.handle)
        if receiver.uuid == user.uuid:
            raise invalid(FieldError("user_reciever_is_sender", "handle"))
        with _problems():
            sent = store.start(user, receiver, new.message, key)
    return _messages(services, [sent])[0]


@contextmanager
def _problems() -> Iterator[None]:
    """Turn the errors of the store into ProblemError."""
    try:
        yield
    except NotParticipantError:
        raise not_found(
            "message_group_not_found",
            "message_group_uuid",
            "The user has no such conversation.",
        ) from None
    except KeyReusedError:
        raise key_reused() from None
    except UnavailableError as error:
        raise unavailable("The message table is not available.") from error


def _messages(services: Services, found: Sequence[StoredMessage]) -> list[Message]:
    """Return *found* with the current names of the senders, not those at the time of sending."""
    assets_url = services.settings.assets_url
    return [
        Message(
            uuid=UUID(message.uuid),
            message_group_uuid=UUID(message.conversation),
            user_uuid=UUID(message.user.uuid),
            handle=profile.handle,
            display_name=profile.display_name,
            avatar_url=profile.avatar_url,
            message=message.text,
            created_at=datetime.fromisoformat(message.created_at),
        )
        for message, profile in users.with_profiles(services.database, assets_url, found)
    ]


def _groups(services: Services, found: Sequence[Conversation]) -> list[MessageGroup]:
    assets_url = services.settings.assets_url
    return [
        MessageGroup(
            uuid=UUID(conversation.uuid),
            user_uuid=UUID(conversation.user.uuid),
            handle=profile.handle,
            display_name=profile.display_name,
            avatar_url=profile.avatar_url,
            message=conversation.text,
            created_at=datetime.fromisoformat(conversation.created_at),
        )
        for conversation, profile in users.with_profiles(services.database, assets_url, found)
    ]
