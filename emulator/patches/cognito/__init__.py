"""Patches of Cognito's user pools."""

from __future__ import annotations

from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "Cognito limits attempts with wrong codes and passwords, and the number of messages.",
        source="Cognito developer guide, Quotas",
        ministack="No limit.",
        consequence="LimitExceededException and TooManyFailedAttemptsException are not tested here.",
    ),
)
