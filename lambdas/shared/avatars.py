"""What the picture of a person is called, so that nobody learns from it who the person is."""

from __future__ import annotations

import uuid

# One of our own: with the `sub` of a person it gives their avatar id, and nothing turns it back.
NAMESPACE = uuid.UUID("5f6c1d0a-7f0e-4d0b-9d43-0c7c3a6f2b11")

ORIGINALS, PICTURES = "originals/", "avatars/"


def avatar_id(sub: str) -> str:
    """The avatar id of the person whose `sub` in Cognito is *sub* (RFC 9562, section 5.5)."""
    return str(uuid.uuid5(NAMESPACE, sub))


def original_key(avatar: str) -> str:
    """Where a person uploads to: one key per person, without an extension."""
    return f"{ORIGINALS}{avatar}"


def picture_key(avatar: str) -> str:
    """Where the picture is that everyone sees."""
    return f"{PICTURES}{avatar}.jpg"
