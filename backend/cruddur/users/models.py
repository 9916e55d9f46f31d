"""Requests and responses of users."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from cruddur.texts import Bio, DisplayName


class ShortUser(msgspec.Struct, frozen=True):
    """A user, for a heading or a link."""

    uuid: UUID
    handle: str
    display_name: str
    avatar_url: str


class ProfileChange(msgspec.Struct, frozen=True):
    """New texts of a profile. A missing or null *bio* removes the bio."""

    display_name: DisplayName
    bio: Bio | None = None
    profile_version: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=2**63 - 1,
                description="The version that the user edited; without it, the change replaces any version",
            ),
        ]
        | None
    ) = None


class OwnProfile(msgspec.Struct, frozen=True):
    """The profile of the user who sends the request."""

    uuid: UUID
    handle: str
    display_name: str
    avatar_url: str
    bio: str
    profile_version: int
