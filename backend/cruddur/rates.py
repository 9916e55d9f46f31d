"""Limit how often a user writes, in all processes and tasks together (decision 0042)."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from cruddur.database import Database
from cruddur.identity import Identity
from cruddur.problems import ProblemError
from cruddur.statements import Statement

_COUNT = Statement("sql/count_write.sql")


class WriteLimit:
    """A limit of *per_minute* writes for each user, who may also send all of them at once."""

    def __init__(self, database: Database, per_minute: int) -> None:
        self._database = database
        self._per_minute = per_minute

    def count(self, user: Identity) -> None:
        """Count a write of *user*. Raises ProblemError 429 above the limit.

        If the connection breaks, `Database.one` repeats the statement, so the write may be counted
        twice.
        """
        interval = timedelta(minutes=1) / self._per_minute
        seconds = self._database.one(
            _COUNT,
            {
                "cognito_user_id": user.cognito_user_id,
                "interval": interval,
                "capacity": interval * self._per_minute,
            },
            int,
        )
        if seconds:
            raise ProblemError(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"More than {self._per_minute} changes in a minute.",
                headers={"Retry-After": str(seconds)},
            )
