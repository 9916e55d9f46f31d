"""Write small migrations into a folder, and query their effects."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate import handler as migrate
from migrate.errors import MigrationError
from tests.lambdas.postgres import Postgres

OUTSIDE_TRANSACTION = "-- transactional: false\n"

_TABLES = (
    "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ '^t[0-9]'"
    " ORDER BY tablename"
)
_ROWS = "SELECT name FROM public.schema_migrations WHERE state = 'applied' ORDER BY position"


def drop_tables(database: Postgres) -> None:
    """Drop every table, the journal included."""
    found = database.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    if found:
        database.query(f"DROP TABLE {', '.join(table for (table,) in found)} CASCADE")


def write_migration(
    number: int, forward: str | bytes = "", rollback: str | None = "", *, folder: Path | None = None
) -> None:
    """Write the migration of this *number*; without a rollback file if *rollback* is None.

    By default the migration creates the table t<number>, and the rollback drops that table.
    """
    folder = folder or migrate.DATABASE / "migrations"
    forward = forward or f"CREATE TABLE t{number} (id integer);"
    content = forward if isinstance(forward, bytes) else forward.encode()
    (folder / f"{number:04}_t.sql").write_bytes(content)
    if rollback is not None:
        rollback = rollback or f"DROP TABLE t{number};"
        (folder / f"{number:04}_t.rollback.sql").write_text(rollback)


def remove_migration(number: int) -> None:
    """Remove both files of the migration of this *number*."""
    for suffix in ("sql", "rollback.sql"):
        (migrate.DATABASE / "migrations" / f"{number:04}_t.{suffix}").unlink(missing_ok=True)


def tables_of_migrations(database: Postgres) -> list[str]:
    """Return the tables that migrations created."""
    return [table for (table,) in database.query(_TABLES)]


def applied_migrations(database: Postgres) -> list[str]:
    """Return the names that the journal records as applied, in order; none without a journal."""
    if database.query("SELECT to_regclass('public.schema_migrations')") == [(None,)]:
        return []
    return [name for (name,) in database.query(_ROWS)]


def error_of(database: Postgres, task: str = "migrate") -> str:
    """Return the error of the task, which must fail."""
    with pytest.raises(MigrationError) as error:
        database.invoke({"do": task})
    assert error.value.__cause__ is None
    assert error.value.__context__ is None or error.value.__suppress_context__
    return str(error.value)


def count_posts(database: Postgres) -> int:
    """Return the number of posts."""
    [(number,)] = database.query("SELECT count(*) FROM posts")
    return number
