"""Patches of SNS."""

from __future__ import annotations

from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "SNS retries for an hour if a webhook does not respond, and sends the user name and password in its URL.",
        source="SNS developer guide, Message delivery retries",
        ministack="Sent once.",
        consequence="A webhook that is unavailable does not receive the message here.",
    ),
)
