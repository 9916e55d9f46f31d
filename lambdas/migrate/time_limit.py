"""Limit the time of each migration file, so that the function can still report the result."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

FILE_SECONDS = 240
SPARE_SECONDS = 15  # The time to report an error before the function times out.


@dataclass(frozen=True)
class TimeLimit:
    """The limit of an invocation: *end* is the monotonic time of its timeout; None outside Lambda."""

    end: float | None = None

    @classmethod
    def from_context(cls, context: Any) -> TimeLimit:
        """Return the limit of an invocation with this Lambda *context*; tests may pass None."""
        if context is None:
            return cls()
        return cls(time.monotonic() + context.get_remaining_time_in_millis() / 1000)

    def file_seconds(self) -> int:
        """Return the seconds that the next file may take; 0 or less if no time is left."""
        if self.end is None:
            return FILE_SECONDS
        return min(FILE_SECONDS, int(self.end - time.monotonic()) - SPARE_SECONDS)
