"""Let only one migration run at a time.

The lock is a PostgreSQL advisory lock on a separate connection: no file can release it, and it is
released when that connection ends for any reason.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection, OperationalError
from psycopg.rows import TupleRow

from migrate.errors import MigrationError
from shared import database

LOCK = 2_026_112_001  # An arbitrary number, the same in every version.
LOCK_SECONDS = 60
_RETRY_SECONDS = 0.2

_SETTINGS = {
    "lock_timeout": "10s",
    "statement_timeout": "30s",
    "idle_session_timeout": "0",  # This connection is idle while a file runs on another one.
    # If the machine of the function fails, the connection is not closed. With these settings
    # PostgreSQL detects that within 20 s.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}


@contextmanager
def acquire() -> Iterator[Connection[TupleRow]]:
    """Wait for the lock, and yield the connection that holds it.

    The lock is polled instead of using pg_advisory_lock. A run that waits inside PostgreSQL has an
    open transaction, and a CREATE INDEX CONCURRENTLY of the run that holds the lock waits for all
    open transactions: a deadlock.
    """
    deadline = time.monotonic() + LOCK_SECONDS
    with database.connect(**_SETTINGS) as connection:
        while not _try_lock(connection):
            if time.monotonic() > deadline:
                raise MigrationError(
                    "another migration is running: nothing was changed; run it again when it ends"
                )
            time.sleep(_RETRY_SECONDS)
        yield connection


def check(holder: Connection[TupleRow]) -> None:
    """Raise MigrationError if the connection that holds the lock is lost."""
    with lock_lost_errors():
        holder.execute("SELECT")


@contextmanager
def lock_lost_errors() -> Iterator[None]:
    """Raise MigrationError for a statement that fails because the connection with the lock is lost."""
    try:
        yield
    except OperationalError:
        raise MigrationError(
            "the connection that holds the lock was lost: run ./inv db.migrate again"
        ) from None


def _try_lock(connection: Connection[TupleRow]) -> bool:
    row = connection.execute("SELECT pg_catalog.pg_try_advisory_lock(%s)", [LOCK]).fetchone()
    return bool(row and row[0])
