"""Delete expired posts, with their replies.

Event: a scheduled event of EventBridge; its content is not read.
Result: {"deleted": number}, the number of deleted posts, without their replies.
Permissions: rds-db:connect as the database user `application`, and writing its log.
Limits: a run deletes at most 100,000 posts. Each statement deletes up to 1,000 posts and takes at most
10 s. The next run deletes the remaining expired posts.
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
    """Delete expired posts in batches of one transaction each; return the number of posts."""
    deleted = 0
    for _ in range(MAX_BATCHES):
        batch = connection.execute(_DELETE, (BATCH_SIZE,)).rowcount
        deleted += batch
        if batch < BATCH_SIZE:
            break
    return deleted
