"""Limit how often a user writes.

The limit is per process: a user whose requests are distributed over several processes may write as
often in each of them. It stops a script, and is not an accounting.
"""

from __future__ import annotations

import math
import time
from functools import cached_property
from http import HTTPStatus

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from cruddur.identity import Identity
from cruddur.problems import ProblemError


class WriteLimit:
    """At most *per_minute* writes of each user in any 60 seconds."""

    def __init__(self, per_minute: int) -> None:
        self._rate = RateLimitItemPerMinute(per_minute)

    def count(self, user: Identity) -> None:
        """Count a write of *user*. Raises ProblemError 429 above the limit."""
        if self._limiter.hit(self._rate, user.cognito_user_id):
            return
        reset = self._limiter.get_window_stats(self._rate, user.cognito_user_id).reset_time
        seconds = max(1, math.ceil(reset - time.time()))
        raise ProblemError(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"More than {self._rate.amount} changes in a minute.",
            headers={"Retry-After": str(seconds)},
        )

    @cached_property
    def _limiter(self) -> MovingWindowRateLimiter:
        """The counts of this process. Their storage has a thread, so it is created after a fork."""
        return MovingWindowRateLimiter(MemoryStorage())
