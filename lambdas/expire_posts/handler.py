"""Delete expired posts, with their replies.

Event: a scheduled event of EventBridge; its content is not read.
Result: {"deleted": …}, the number of posts, without their replies.
Permissions: rds-db:connect as the database user `application`, and writing its log.
Limits: at most 100,000 posts; each statement deletes 1,000 of them and takes at most 10 s. If more
posts have expired, the next run deletes them.
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg.rows import TupleRow

from shared import database
from shared.log import log

BATCH_SIZE = 1_000
MAX_BATCHES = 100

_DELETE = """
    DELETE FROM activities
    WHERE uuid IN (
        SELECT uuid
        FROM activities
        WHERE expires_at <= current_timestamp AND reply_to_activity_uuid IS NULL
        ORDER BY expires_at
        LIMIT %s
    )
"""


def handler(event: Mapping[str, object], context: object) -> dict[str, int]:
    """Handle an event of the schedule."""
    with database.connect(statement_timeout="10s") as connection:
        deleted = delete_expired(connection)
    log("expired", deleted=deleted)
    return {"deleted": deleted}


def delete_expired(connection: psycopg.Connection[TupleRow]) -> int:
    """Delete expired posts in batches, each in a transaction, and return their number."""
    deleted = 0
    for _ in range(MAX_BATCHES):
        batch = connection.execute(_DELETE, (BATCH_SIZE,)).rowcount
        deleted += batch
        if batch < BATCH_SIZE:
            break
    return deleted
