"""Check that the clock of this machine agrees with that of AWS."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from operations.preflight.checks import Finding, Planned

# AWS refuses a request that was signed more than five minutes ago (IAM user guide, Signature
# Version 4). A smaller difference is reported before it grows.
TOLERATED_SECONDS = 60


def clock(planned: Planned) -> Iterator[Finding]:
    """Find a clock that differs from the time in a response of AWS by more than a minute."""
    response = planned.target.client("sts").get_caller_identity()
    sent = response["ResponseMetadata"]["HTTPHeaders"].get("date", "")
    if not sent:
        yield Finding(
            "unknown", "whether the clock is right: the response has no date", "run: date"
        )
        return
    seconds = round((now() - parsedate_to_datetime(sent)).total_seconds())
    if abs(seconds) > TOLERATED_SECONDS:
        direction = "ahead of" if seconds > 0 else "behind"
        yield Finding(
            "command",
            f"the clock of this machine is {abs(seconds)} seconds {direction} that of AWS",
            "timedatectl set-ntp true",
        )


def now() -> datetime:
    """Return the time of this machine."""
    return datetime.now(UTC)
