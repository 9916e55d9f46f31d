"""Who a person is, from what they told Cognito: as good as it gets, since they cannot say it again.

Cognito asks for name, handle and mail address, but takes any text. The handle can never be changed
there: a valid handle is used if it is free, and any other text is transliterated, not refused.
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
    """The event is not valid for a row; the message is shown to the user.

    *reason* is the invalid field.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Person:
    """A row of `users` to be. *handles* are those to try, the one that was asked for first."""

    id: str
    name: str
    mail: str
    handles: tuple[str, ...]

    @property
    def avatar(self) -> str:
        """What the log calls them."""
        return avatar_id(self.id)


def read(attributes: Mapping[str, str]) -> Person:
    """The person with these *attributes* of Cognito; raises RefusedError without `sub` or `email`."""
    sub, mail = attributes.get("sub", ""), attributes.get("email", "")
    if not is_id(sub):
        raise RefusedError("sub", "The user id is missing.")
    if not _MAIL.fullmatch(mail) or names.has_hidden(mail):
        raise RefusedError("email", "This email address cannot be used.")
    name = names.shown(attributes.get("name", ""))
    wanted = names.handle(attributes.get("preferred_username", "")) or names.handle(name)
    handles = _handles(wanted, avatar_id(sub).replace("-", ""))
    return Person(sub, name or handles[0], mail, handles)


def _handles(wanted: str, avatar: str) -> tuple[str, ...]:
    """What was wanted, and the same with the beginning of the *avatar* id if it is taken."""
    first = wanted or f"person_{avatar[:8]}"
    endings = f"_{avatar[:4]}", f"_{avatar[:12]}"
    return (first, *(first[: HANDLE_LENGTH - len(ending)] + ending for ending in endings))
