"""Patches of SNS."""

from __future__ import annotations

from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "SNS retries for an hour when a webhook does not answer, and sends credentials in URLs.",
        source="SNS developer guide, Message delivery retries",
        ministack="Posted once.",
        consequence="A webhook that is down misses the message here.",
    ),
)
