"""The new conversations of a user, which `messages` reads and `notifications` shows.

One feature does not import another, so this module has the types that both use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True)
class NewConversation:
    """A conversation that another user started, with that user and the first message."""

    uuid: UUID
    created_at: datetime
    handle: str
    display_name: str
    message: str


class NewConversations(Protocol):
    """A source of the new conversations of each user."""

    def newest(
        self, cognito_user_id: str, *, until: datetime, limit: int
    ) -> Sequence[NewConversation]:
        """Return at most *limit* conversations, the newest first, not newer than *until* (UTC)."""
        ...
