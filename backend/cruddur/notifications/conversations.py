"""The source of notifications about conversations, which are not in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class NewConversation:
    """A conversation of a user, with its newest message and the other user."""

    uuid: str
    handle: str
    display_name: str
    message: str
    created_at: datetime


class Conversations(Protocol):
    """A source of the conversations of a user."""

    def newest(
        self, cognito_user_id: str, *, before: datetime | None, limit: int
    ) -> Sequence[NewConversation]:
        """Return at most *limit* conversations, newest first, that are older than *before*."""
        ...


class NoConversations:
    """A source without conversations."""

    def newest(self, *_arguments: object, **_options: object) -> Sequence[NewConversation]:
        """Return nothing."""
        return ()
