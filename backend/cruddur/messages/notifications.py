"""The new conversations of a user, for notifications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cruddur.database import Database
from cruddur.messages.conversation import timestamp
from cruddur.messages.store import Store
from cruddur.messages.table import UnavailableError
from cruddur.messages.users import with_profiles
from cruddur.new_conversations import NewConversation
from cruddur.problems import unavailable
from cruddur.statements import Statement

_MEMBER = Statement("sql/member.sql")


@dataclass(frozen=True)
class StartedConversations:
    """The conversations in *store* that others started. *assets_url* is the origin of avatars."""

    store: Store
    database: Database
    assets_url: str

    def newest(
        self, cognito_user_id: str, *, until: datetime, limit: int
    ) -> Sequence[NewConversation]:
        """Return at most *limit* conversations, newest first, not newer than *until* (UTC)."""
        user = self.database.one(_MEMBER, {"cognito_user_id": cognito_user_id}, str)
        if user is None:
            return ()
        after_all_of_this_time = f"{timestamp(until)}$"  # The keys have a "#" after the time.
        try:
            found = self.store.starts(user, before=after_all_of_this_time, limit=limit)
        except UnavailableError as error:
            raise unavailable("The message table is not available.") from error
        return [
            NewConversation(
                uuid=UUID(start.uuid),
                created_at=datetime.fromisoformat(start.created_at),
                handle=profile.handle,
                display_name=profile.display_name,
                message=start.text,
            )
            for start, profile in with_profiles(self.database, self.assets_url, found)
        ]
