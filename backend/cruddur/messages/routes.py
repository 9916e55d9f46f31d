"""The endpoints of direct messages."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint

from cruddur import services
from cruddur.endpoints import Access, endpoint
from cruddur.identity import Identity
from cruddur.messages import queries
from cruddur.messages.models import Message, MessageGroupPage, MessagePage, NewMessage
from cruddur.pages import PageQuery

blueprint = Blueprint("messages", __name__)

_TAG = "messages"


@blueprint.get("/api/message_groups")
@endpoint(Access.REQUIRED, tag=_TAG, errors=(HTTPStatus.FORBIDDEN,))
def conversations(query: PageQuery, identity: Identity) -> MessageGroupPage:
    """List the conversations of the user, the one with the newest message first."""
    return queries.conversations(services.current(), identity, query)


@blueprint.get("/api/messages/<id:message_group_uuid>")
@endpoint(Access.REQUIRED, tag=_TAG, errors=(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND))
def messages(message_group_uuid: str, query: PageQuery, identity: Identity) -> MessagePage:
    """List the messages of a conversation, the newest first."""
    return queries.messages(services.current(), identity, message_group_uuid, query)


@blueprint.post("/api/messages")
@endpoint(
    Access.REQUIRED,
    tag=_TAG,
    errors=(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
def send(body: NewMessage, identity: Identity) -> Message:
    """Send a message to a user, or in an existing conversation.

    The first message to a user starts a conversation. `message_group_uuid` in the response is its id.
    """
    return queries.send(services.current(), identity, body)
