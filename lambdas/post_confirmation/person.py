"""Who a person is, from what they told Cognito: as good as it gets, since they cannot say it again.

Cognito asks for name, handle and mail address, but takes any text. The handle can never be changed
there, so one that does not suit us is mended, not refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from shared.avatars import avatar_id
from shared.ids import is_id

# The limits of the columns: backend/db/migrations/.
NAME_LENGTH, HANDLE_LENGTH, MAIL_LENGTH = 100, 30, 254

_HANDLE = re.compile(rf"[0-9A-Za-z_]{{1,{HANDLE_LENGTH}}}")
_MAIL = re.compile(rf"(?=.{{3,{MAIL_LENGTH}}}$)[^@\s]+@[^@\s]+")


class RefusedError(Exception):
    """No row can be made of this; the message is for the person."""


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
        raise RefusedError("Cognito did not say who this is.")
    if not _MAIL.fullmatch(mail) or not mail.isprintable():
        raise RefusedError("This is no mail address we can use.")
    handles = _handles(attributes.get("preferred_username", ""), avatar_id(sub).replace("-", ""))
    name = _line(attributes.get("name", ""))[:NAME_LENGTH].strip()
    return Person(sub, name or handles[0], mail, handles)


def _line(text: str) -> str:
    """*text* on one line, without what cannot be seen or PostgreSQL cannot keep."""
    return "".join(each for each in " ".join(text.split()) if each.isprintable())


def _handles(wanted: str, avatar: str) -> tuple[str, ...]:
    """What was wanted, and the same with the beginning of the *avatar* id if it is taken."""
    first = wanted if _HANDLE.fullmatch(wanted) else _mended(wanted) or f"person_{avatar[:8]}"
    endings = f"_{avatar[:4]}", f"_{avatar[:12]}"
    return (first, *(first[: HANDLE_LENGTH - len(ending)] + ending for ending in endings))


def _mended(wanted: str) -> str:
    """Turn "José K." into Jose_K: plain letters, and one _ for all between them."""
    plain = unicodedata.normalize("NFKD", wanted).encode("ascii", "ignore").decode()
    return re.sub("[^0-9A-Za-z]+", "_", plain).strip("_")[:HANDLE_LENGTH]
