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
from cruddur.pages import PageQuery, key_cursor, key_position
from cruddur.problems import FieldError, invalid, not_found, unavailable
from cruddur.services import Services


def conversations(services: Services, identity: Identity, query: PageQuery) -> MessageGroupPage:
    """Return the conversations of the user, the one with the newest message first."""
    user = users.sender(services, identity)
    with _problems():
        found = services.messages.conversations(
            user.uuid, before=key_position(query), limit=query.limit + 1
        )
    return MessageGroupPage(
        _groups(services, found[: query.limit]),
        key_cursor(found[query.limit - 1].key) if len(found) > query.limit else None,
    )


def messages(
    services: Services, identity: Identity, conversation: str, query: PageQuery
) -> MessagePage:
    """Return the messages of a conversation, the newest first.

    Raises ProblemError 404 if the user is not a participant.
    """
    user = users.sender(services, identity)
    with _problems():
        found = services.messages.messages(
            user.uuid, conversation, before=key_position(query), limit=query.limit + 1
        )
    return MessagePage(
        _messages(services, found[: query.limit]),
        key_cursor(found[query.limit - 1].created_at) if len(found) > query.limit else None,
    )


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
    """Return *found* with the current names of the senders (defect 100)."""
    profiles = users.profiles(
        services.database, services.settings.assets_url, [message.user for message in found]
    )
    return [
        Message(
            uuid=UUID(message.uuid),
            message_group_uuid=UUID(message.conversation),
            user_uuid=UUID(message.user.uuid),
            handle=profiles[message.user.uuid].handle,
            display_name=profiles[message.user.uuid].display_name,
            avatar_url=profiles[message.user.uuid].avatar_url,
            message=message.text,
            created_at=datetime.fromisoformat(message.created_at),
        )
        for message in found
    ]


def _groups(services: Services, found: Sequence[Conversation]) -> list[MessageGroup]:
    profiles = users.profiles(
        services.database,
        services.settings.assets_url,
        [conversation.user for conversation in found],
    )
    return [
        MessageGroup(
            uuid=UUID(conversation.uuid),
            user_uuid=UUID(conversation.user.uuid),
            handle=profiles[conversation.user.uuid].handle,
            display_name=profiles[conversation.user.uuid].display_name,
            avatar_url=profiles[conversation.user.uuid].avatar_url,
            message=conversation.text,
            created_at=datetime.fromisoformat(conversation.created_at),
        )
        for conversation in found
    ]
