"""How long a file may take, so that the function can still say what happened."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

FILE_SECONDS = 240
SPARE_SECONDS = 15  # What the function needs to report an error before it is ended itself.


@dataclass(frozen=True)
class Clock:
    """The monotonic time at which the function is ended; None outside Lambda."""

    end: float | None = None

    @classmethod
    def of(cls, context: Any) -> Clock:
        """Return the clock of an invocation by its Lambda *context*; of a test, which has none."""
        if context is None:
            return cls()
        return cls(time.monotonic() + context.get_remaining_time_in_millis() / 1000)

    def seconds(self) -> int:
        """Return how long the next file may take; 0 or less if there is no time for one."""
        if self.end is None:
            return FILE_SECONDS
        return min(FILE_SECONDS, int(self.end - time.monotonic()) - SPARE_SECONDS)
