"""Read the new conversations of a user, for notifications."""

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
class StoredNewConversations:
    """The new conversations in *store*. *assets_url* is the origin of avatars."""

    store: Store
    database: Database
    assets_url: str

    def newest(
        self, cognito_user_id: str, *, until: datetime, limit: int
    ) -> Sequence[NewConversation]:
        """Return at most *limit* conversations, the newest first, not newer than *until* (UTC).

        Raises ProblemError 503 if the table is not available.
        """
        user = self.database.one(_MEMBER, {"cognito_user_id": cognito_user_id}, str)
        if user is None:
            return ()
        # Keys have a "#" after the time, and "$" is greater than "#".
        after_this_time = f"{timestamp(until)}$"
        try:
            found = self.store.new_conversations(user, before=after_this_time, limit=limit)
        except UnavailableError as error:
            raise unavailable("The message table is not available.") from error
        return [
            NewConversation(
                uuid=UUID(conversation.uuid),
                created_at=datetime.fromisoformat(conversation.created_at),
                handle=profile.handle,
                display_name=profile.display_name,
                message=conversation.text,
            )
            for conversation, profile in with_profiles(self.database, self.assets_url, found)
        ]
