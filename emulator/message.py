"""A message in the outbox: the emulator sends no email and no SMS."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """A message that AWS would have sent *to* an email address or telephone number.

    *secret* is the code or the link in the message, or the whole text of an email of SES.
    """

    to: str
    about: str
    secret: str
    sent: str
