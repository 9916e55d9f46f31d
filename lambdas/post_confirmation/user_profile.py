"""Derive the profile of a user from their attributes in Cognito.

Cognito requires a name, a handle and an e-mail address, but accepts any text, and the handle cannot
be changed later. So a valid handle is used if it is free, and any other text is transliterated
instead of refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from post_confirmation import names
from post_confirmation.names import HANDLE_LENGTH
from shared.avatars import avatar_id
from shared.ids import is_id

MAIL_LENGTH = 254  # The limit of the column: backend/db/migrations/.

_MAIL = re.compile(rf"(?=.{{3,{MAIL_LENGTH}}}$)[^@\s]+@[^@\s]+")


class RefusedError(Exception):
    """A field of the event is not valid; the message is shown to the user.

    *reason* is the name of the field.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class UserProfile:
    """A future row of `users`. *handles* are the candidates, with the requested handle first."""

    id: str
    name: str
    mail: str
    handles: tuple[str, ...]

    @property
    def avatar(self) -> str:
        """The avatar id, which identifies the user in the log."""
        return avatar_id(self.id)


def read(attributes: Mapping[str, str]) -> UserProfile:
    """Return the profile for *attributes*. Raises RefusedError unless `sub` and `email` are valid."""
    sub, mail = attributes.get("sub", ""), attributes.get("email", "")
    if not is_id(sub):
        raise RefusedError("sub", "The user id is missing.")
    if not _MAIL.fullmatch(mail) or names.has_hidden(mail):
        raise RefusedError("email", "This email address cannot be used.")
    name = names.visible_text(attributes.get("name", ""))
    requested = names.handle(attributes.get("preferred_username", "")) or names.handle(name)
    handles = _handles(requested, avatar_id(sub).replace("-", ""))
    return UserProfile(sub, name or handles[0], mail, handles)


def _handles(requested: str, avatar: str) -> tuple[str, ...]:
    """Return the requested handle, and alternatives with the beginning of the *avatar* id."""
    first = requested or f"person_{avatar[:8]}"
    suffixes = f"_{avatar[:4]}", f"_{avatar[:12]}"
    return (first, *(first[: HANDLE_LENGTH - len(suffix)] + suffix for suffix in suffixes))
