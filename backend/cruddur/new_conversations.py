"""The protocol for notifications about conversations, which are in DynamoDB, not in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True)
class NewConversation:
    """A conversation of a user, with its newest message and the other user."""

    uuid: UUID
    created_at: datetime
    handle: str
    display_name: str
    message: str


class Conversations(Protocol):
    """A source of the conversations of a user."""

    def newest(
        self, cognito_user_id: str, *, until: datetime, limit: int
    ) -> Sequence[NewConversation]:
        """Return at most *limit* conversations, newest first, not newer than *until* (UTC)."""
        ...
