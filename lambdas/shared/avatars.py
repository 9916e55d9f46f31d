"""The ids and object keys of avatars, which do not reveal to which user an avatar belongs."""

from __future__ import annotations

import uuid

from .ids import is_id  # `operations` imports this module as lambdas.shared.avatars.

# The namespace of this project. An avatar id can be derived from a `sub`, but not the reverse.
NAMESPACE = uuid.UUID("5f6c1d0a-7f0e-4d0b-9d43-0c7c3a6f2b11")

UPLOADS, AVATARS = "originals/", "avatars/"


def avatar_id(sub: str) -> str:
    """Return the avatar id of the user with *sub* in Cognito: a UUIDv5 (RFC 9562, section 5.5)."""
    return str(uuid.uuid5(NAMESPACE, sub))


def upload_key(avatar: str) -> str:
    """Return the key of the upload with the avatar id *avatar*: one per user, with no file extension."""
    return f"{UPLOADS}{avatar}"


def avatar_key(avatar: str) -> str:
    """Return the key of the published avatar with the id *avatar*."""
    return f"{AVATARS}{avatar}.jpg"


def avatar_id_of_key(key: str) -> str | None:
    """Return the avatar id in the *key* of a published avatar, or None for any other key."""
    avatar = key.removeprefix(AVATARS).removesuffix(".jpg")
    return avatar if is_id(avatar) and key == avatar_key(avatar) else None
