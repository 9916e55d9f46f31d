"""Put the emails of SES, and those that Cognito sends with SES, into the outbox."""

from __future__ import annotations

import email
import email.policy
from typing import TYPE_CHECKING

from emulator import outbox
from emulator.ministack import services
from emulator.ministack.hooks import Function
from emulator.patches.differences import Difference

if TYPE_CHECKING:
    from collections.abc import Sequence

DIFFERENCES = (
    Difference(
        "SES sends an email, and Cognito the invitation of a user that an administrator created.",
        source="API reference of SendEmail; of AdminCreateUser",
        ministack="Recorded only. With the patch, the outbox of the emulator has the messages.",
        test="test_messages",
    ),
)

# MiniStack calls this function for every email; it passes the email to a mail server if configured.
_relay: Function[[str, Sequence[str], str], None] = Function(
    "_smtp_relay", services.ses, services.ses_v2
)


def install() -> None:
    """Install the patch."""
    _relay.replace(_put_into_outbox)


def _put_into_outbox(_source: str, recipients: Sequence[str], mime: str) -> None:
    """Add the text of an email for each recipient; the emulator passes none to a mail server."""
    message = email.message_from_string(mime, policy=email.policy.default)
    body = message.get_body(("plain", "html"))
    text = body.get_content().strip() if body else ""
    for recipient in recipients:
        outbox.send(recipient, about=message.get("Subject", ""), secret=text)
