"""The users of messages; PostgreSQL has their current names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from cruddur.avatars import avatar_url
from cruddur.database import Database
from cruddur.identity import Identity
from cruddur.members import unknown_member
from cruddur.messages.conversation import Conversation, Message, User
from cruddur.problems import FieldError, invalid
from cruddur.services import Services
from cruddur.statements import Statement

_SENDER = Statement("messages/sql/sender.sql")
_RECEIVER = Statement("messages/sql/receiver.sql")
_USERS = Statement("messages/sql/users.sql")

_Item = TypeVar("_Item", Message, Conversation)


@dataclass(frozen=True)
class Profile:
    """The current names and the avatar of a user."""

    handle: str
    display_name: str
    avatar_url: str


def sender(services: Services, identity: Identity) -> User:
    """Return the user who sends the request. Raises ProblemError 403 if they have no row."""
    parameters = {"cognito_user_id": identity.cognito_user_id}
    found = services.database.one(_SENDER, parameters, _user)
    if found is None:
        raise unknown_member()
    return found


def receiver(services: Services, handle: str) -> User:
    """Return a user by handle. Raises ProblemError 422 if no user has the handle."""
    found = services.database.one(_RECEIVER, {"handle": handle}, _user)
    if found is None:
        raise invalid(FieldError("user_reciever_not_found", "handle"))
    return found


def with_profiles(
    database: Database, assets_url: str, items: Sequence[_Item]
) -> Iterator[tuple[_Item, Profile]]:
    """Yield each item with the profile of its user; a deleted user has the names in the item."""
    profiles = _profiles(database, assets_url, [item.user for item in items])
    for item in items:
        yield item, profiles[item.user.uuid]


def _profiles(database: Database, assets_url: str, users: Sequence[User]) -> dict[str, Profile]:
    """Return the profiles of *users* by id; a deleted user has the names in *users*."""
    stored = {user.uuid: Profile(user.handle, user.display_name, "") for user in users}

    def row(
        uuid: UUID, handle: str, name: str, cognito_id: str, version: str | None
    ) -> tuple[str, Profile]:
        return str(uuid), Profile(handle, name, avatar_url(assets_url, cognito_id, version))

    if not stored:
        return {}
    return stored | dict(database.all(_USERS, {"uuids": list(stored)}, row))


def _user(uuid: UUID, handle: str, display_name: str) -> User:
    return User(str(uuid), handle, display_name)
