"""PostgreSQL, through a pool of connections.

A read is one statement in autocommit mode, and is repeated once on a new connection if its
connection was broken, for example by a restart or a failover of the server. A write is a
transaction: it is repeated only if it could not begin, so no statement runs twice.

A timeout, a missing server and a lack of free connections raise ProblemError 503.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg import Connection, errors
from psycopg.rows import TupleRow, args_row
from psycopg_pool import ConnectionPool, PoolTimeout, TooManyRequests

from cruddur import limits
from cruddur.problems import unavailable
from cruddur.statements import Statement

Parameters = Mapping[str, Any]
ConnectionParameters = Callable[[], dict[str, Any]]
"""A function that returns the keyword arguments of psycopg.connect for one new connection."""

_Row = TypeVar("_Row")

# The parameters of PostgreSQL that every connection sets.
SETTINGS = {
    "search_path": "public",
    "timezone": "UTC",
    "statement_timeout": f"{limits.STATEMENT_TIMEOUT_MS}ms",
    "lock_timeout": f"{limits.LOCK_TIMEOUT_MS}ms",
    "idle_in_transaction_session_timeout": f"{limits.IDLE_TRANSACTION_TIMEOUT_MS}ms",
}

# Errors after which a retry of the client may succeed: a deadlock, and timeouts of a lock, of a
# statement, and of a transaction between two statements.
_BUSY = (
    errors.DeadlockDetected,
    errors.IdleInTransactionSessionTimeout,
    errors.LockNotAvailable,
    errors.QueryCanceled,
)
_UNAVAILABLE = (psycopg.OperationalError, psycopg.InterfaceError)


class MissingReferenceError(Exception):
    """A row that a statement refers to was deleted by a concurrent transaction."""


class Transaction:
    """A transaction that commits if its block ends without an error."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def all(
        self, statement: Statement, parameters: Parameters, row: Callable[..., _Row]
    ) -> list[_Row]:
        """Return the rows of *statement*, each as row(*columns)."""
        return _all(self._connection, statement, parameters, row)

    def one(
        self, statement: Statement, parameters: Parameters, row: Callable[..., _Row]
    ) -> _Row | None:
        """Return the first row of *statement* as row(*columns), or None."""
        rows = self.all(statement, parameters, row)
        return rows[0] if rows else None

    def execute(self, statement: Statement, parameters: Parameters) -> int:
        """Execute *statement* and return the number of rows that it changed."""
        return self._connection.execute(statement.text, parameters).rowcount


class Database:
    """A pool of at most *max_connections*, which are opened with *parameters* when requests need them.

    A request waits for a connection for at most *timeout_seconds*.
    """

    def __init__(
        self,
        parameters: ConnectionParameters,
        *,
        max_connections: int = limits.POOL_CONNECTIONS,
        timeout_seconds: float = limits.POOL_TIMEOUT_SECONDS,
    ) -> None:
        # The pool logs two lines for every request at INFO.
        logging.getLogger("psycopg.pool").setLevel(logging.WARNING)
        self._pool = ConnectionPool(
            kwargs=lambda: {**parameters(), "autocommit": True, "options": _options()},
            min_size=1,
            max_size=max_connections,
            open=False,
            timeout=timeout_seconds,
            max_waiting=limits.POOL_WAITING_REQUESTS,
            max_lifetime=limits.CONNECTION_LIFETIME_SECONDS,
            # If the server cannot be reached for this time, the pool stops trying until the next
            # request.
            reconnect_timeout=timeout_seconds,
            name="cruddur",
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def all(
        self, statement: Statement, parameters: Parameters, row: Callable[..., _Row]
    ) -> list[_Row]:
        """Return the rows of a statement that only reads, each as row(*columns)."""
        with _problems():
            try:
                with self._connection() as connection:
                    return _all(connection, statement, parameters, row)
            except _UNAVAILABLE as error:
                self._prepare_retry(error)
            with self._connection() as connection:
                return _all(connection, statement, parameters, row)

    def one(
        self, statement: Statement, parameters: Parameters, row: Callable[..., _Row]
    ) -> _Row | None:
        """Return the first row of a statement that only reads as row(*columns), or None."""
        rows = self.all(statement, parameters, row)
        return rows[0] if rows else None

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Begin a transaction. Raises MissingReferenceError for a reference to a deleted row."""
        with _problems(), ExitStack() as stack:
            try:
                yield Transaction(self._begin(stack))
            except errors.ForeignKeyViolation:
                raise MissingReferenceError from None

    def _begin(self, stack: ExitStack) -> Connection[TupleRow]:
        try:
            return self._try_to_begin(stack)
        except _UNAVAILABLE as error:
            self._prepare_retry(error)
        return self._try_to_begin(stack)

    def _try_to_begin(self, stack: ExitStack) -> Connection[TupleRow]:
        """Return a connection with an open transaction, which ends with *stack*."""
        with ExitStack() as attempt:
            connection = attempt.enter_context(self._connection())
            attempt.enter_context(connection.transaction())
            stack.push(attempt.pop_all())
        return connection

    @contextmanager
    def _connection(self) -> Iterator[Connection[TupleRow]]:
        self._pool.open()  # Only the first call has an effect.
        with self._pool.connection() as connection:
            yield connection

    def _prepare_retry(self, error: psycopg.Error) -> None:
        """Discard the idle connections, which are probably broken too, so that a retry may succeed.

        Raises *error* again unless the connection was broken. An error of the network has no SQLSTATE;
        the SQLSTATE of a server that shuts down begins with 57P (PostgreSQL documentation, appendix A).
        """
        if isinstance(error, (PoolTimeout, TooManyRequests)):
            raise error
        if error.sqlstate is not None and not error.sqlstate.startswith("57P"):
            raise error
        self._pool.drain()


def _all(
    connection: Connection[TupleRow],
    statement: Statement,
    parameters: Parameters,
    row: Callable[..., _Row],
) -> list[_Row]:
    with connection.cursor(row_factory=args_row(row), binary=True) as cursor:
        cursor.execute(statement.text, parameters, prepare=statement.prepare)
        return cursor.fetchall()


@contextmanager
def _problems() -> Iterator[None]:
    """Turn errors of PostgreSQL and of the network into ProblemError 503."""
    try:
        yield
    except (PoolTimeout, TooManyRequests):
        raise unavailable("All connections to the database are in use.") from None
    except _BUSY as error:
        raise unavailable("The database is busy.") from error
    except _UNAVAILABLE as error:
        raise unavailable("The database is not available.") from error


def _options() -> str:
    return " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
