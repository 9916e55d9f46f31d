"""Let one migration run at a time.

The lock is PostgreSQL's, and belongs to a connection of its own: no file can release it, and it
ends with that connection, whatever ends it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection, OperationalError
from psycopg.rows import TupleRow

from migrate.errors import MigrationError
from shared import database

LOCK = 2_026_112_001  # Any number, as long as it is always the same.
LOCK_SECONDS = 60
_RETRY_SECONDS = 0.2

_SETTINGS = {
    "lock_timeout": "10s",
    "statement_timeout": "30s",
    # A function that vanishes with its machine closes no connection: PostgreSQL finds out in 20 s.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}


@contextmanager
def held() -> Iterator[Connection[TupleRow]]:
    """Wait for the lock, and yield the connection that holds it.

    The lock is asked for again and again: CREATE INDEX CONCURRENTLY of the run that holds it would
    wait for a run that waits inside PostgreSQL, and so for itself.
    """
    deadline = time.monotonic() + LOCK_SECONDS
    with database.connect(**_SETTINGS) as connection:
        while not _taken(connection):
            if time.monotonic() > deadline:
                raise MigrationError(
                    "another migration is running: nothing was changed; run this again when it ends"
                )
            time.sleep(_RETRY_SECONDS)
        yield connection


def check(holder: Connection[TupleRow]) -> None:
    """Raise MigrationError if the connection that holds the lock is lost."""
    with needed():
        holder.execute("SELECT")


@contextmanager
def needed() -> Iterator[None]:
    """Raise MigrationError where a statement finds the connection that holds the lock lost."""
    try:
        yield
    except OperationalError:
        raise MigrationError(
            "the connection that holds the lock was lost: run db.migrate again"
        ) from None


def _taken(connection: Connection[TupleRow]) -> bool:
    row = connection.execute("SELECT pg_catalog.pg_try_advisory_lock(%s)", [LOCK]).fetchone()
    return bool(row and row[0])
