"""A database with its users, and a folder of small migrations to apply to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate import handler as migrate
from tests.lambdas.postgres import Postgres, postgres

TABLES = (
    "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ '^t[0-9]'"
    " ORDER BY tablename"
)
ROWS = "SELECT name FROM public.schema_migrations WHERE state = 'applied' ORDER BY position"


@pytest.fixture(scope="module")
def made(server, tmp_path_factory):
    """A database with its two users."""
    with postgres(server, tmp_path_factory, 2) as database:
        yield database


@pytest.fixture
def database(made: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An empty database, and three pending migrations, each of which creates a table."""
    (tmp_path / "migrations").mkdir()
    monkeypatch.setattr(migrate, "DATABASE", tmp_path)
    made.bootstrap()
    empty(made)
    for number in (1, 2, 3):
        write(number)
    return made


def empty(database: Postgres) -> None:
    """Drop every table, the journal included."""
    found = database.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    if found:
        database.ask(f"DROP TABLE {', '.join(table for (table,) in found)} CASCADE")


def write(
    number: int, forward: str | bytes = "", back: str | None = "", *, folder: Path | None = None
) -> None:
    """Write the migration of this *number*; without a rollback file if back is None."""
    folder = folder or migrate.DATABASE / "migrations"
    forward = forward or f"CREATE TABLE t{number} (id integer);"
    content = forward if isinstance(forward, bytes) else forward.encode()
    (folder / f"{number:04}_t.sql").write_bytes(content)
    if back is not None:
        back = back or f"DROP TABLE t{number};"
        (folder / f"{number:04}_t.rollback.sql").write_text(back)


def remove(number: int) -> None:
    """Remove both files of the migration of this *number*."""
    for end in ("sql", "rollback.sql"):
        (migrate.DATABASE / "migrations" / f"{number:04}_t.{end}").unlink(missing_ok=True)


def tables(database: Postgres) -> list[str]:
    """Return the tables that migrations created."""
    return [table for (table,) in database.ask(TABLES)]


def rows(database: Postgres) -> list[str]:
    """Return the migrations that are recorded as applied, in order; none without a journal."""
    if database.ask("SELECT to_regclass('public.schema_migrations')") == [(None,)]:
        return []
    return [name for (name,) in database.ask(ROWS)]
