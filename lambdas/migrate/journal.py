"""The table that records which migrations are applied, and in which order.

Every name is qualified, so that neither a search_path nor a table of the same name in another
schema redirects a statement.
"""

from __future__ import annotations

from typing import LiteralString, cast

from psycopg import Connection, errors
from psycopg.rows import TupleRow

from migrate.errors import MigrationError
from migrate.plan import Row, State
from migrate.script import JOURNAL, Script

TABLE = f"public.{JOURNAL}"
_CREATE = f"""
CREATE TABLE IF NOT EXISTS {TABLE} (
    position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    name text PRIMARY KEY,
    checksum text NOT NULL,
    state text NOT NULL CHECK (state IN ('applied', 'applying', 'rolling back')),
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.now()
)
"""
_ROWS = f"SELECT name, checksum, state FROM {TABLE} ORDER BY position"  # noqa: S608  # a constant
_INSERT = f"INSERT INTO {TABLE} (name, checksum, state) VALUES (%s, %s, %s)"  # noqa: S608
_UPDATE = f"""
UPDATE {TABLE} SET state = %s, changed_at = pg_catalog.now()
WHERE name OPERATOR(pg_catalog.=) %s
"""  # noqa: S608
_DELETE = f"DELETE FROM {TABLE} WHERE name OPERATOR(pg_catalog.=) %s"  # noqa: S608

_YOYO_JOURNAL = "_yoyo_migration"


def create(connection: Connection[TupleRow]) -> None:
    """Create the journal unless it exists."""
    if not _exists(connection, JOURNAL):
        connection.execute(_CREATE)


def rows(connection: Connection[TupleRow]) -> list[Row]:
    """Return the rows, in the order in which the migrations were applied; none without a journal.

    Raises MigrationError if the journal is one of yoyo, the tool before this runner.
    """
    if _exists(connection, _YOYO_JOURNAL):
        raise MigrationError(
            f"public.{_YOYO_JOURNAL}: this schema was created by an earlier version, whose journal"
            " is no longer supported: run ./inv emulator.reset, then ./inv deploy, ./inv db.bootstrap"
            " and ./inv db.migrate"
        )
    if not _exists(connection, JOURNAL):
        return []
    try:
        records = connection.execute(_ROWS).fetchall()
    except errors.UndefinedColumn:
        raise MigrationError(
            f"{TABLE}: is not the journal of migrations: rename this table"
        ) from None
    return [Row(name, checksum, cast("State", state)) for name, checksum, state in records]


def add(
    connection: Connection[TupleRow], name: str, script: Script, state: State = "applied"
) -> None:
    """Record *name*; raise MigrationError if another run has recorded it meanwhile."""
    try:
        connection.execute(_INSERT, [name, script.checksum, state])
    except errors.UniqueViolation:
        raise MigrationError(
            f"{script.file}: another run is applying it: run ./inv db.status"
        ) from None


def change(connection: Connection[TupleRow], name: str, state: State) -> None:
    """Set the state of *name*."""
    _change_row(connection, name, _UPDATE, [state, name])


def remove(connection: Connection[TupleRow], name: str) -> None:
    """Remove the row of *name*."""
    _change_row(connection, name, _DELETE, [name])


def _change_row(
    connection: Connection[TupleRow], name: str, statement: LiteralString, values: list[str]
) -> None:
    try:
        count = connection.execute(statement, values).rowcount
    except errors.UndefinedTable:
        count = 0
    if count != 1:
        raise MigrationError(f"{name}: its row in {TABLE} was removed by another program")


def _exists(connection: Connection[TupleRow], table: str) -> bool:
    row = connection.execute(
        "SELECT pg_catalog.to_regclass(%s) IS NOT NULL", [f"public.{table}"]
    ).fetchone()
    return bool(row and row[0])
