"""An RDS instance that all tests of the migrate function in one process share."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate import handler as migrate
from stacks.database import MIGRATOR
from tests.lambdas.migrate.migration_files import drop_tables, write_migration
from tests.lambdas.postgres import DATABASE_NAME, Postgres, postgres


@pytest.fixture(scope="session")
def instance(server, tmp_path_factory):
    """An instance whose database users may not exist yet."""
    with postgres(server, tmp_path_factory, 2) as running:
        yield running


@pytest.fixture
def database(instance: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A database without tables, and three pending migrations, each of which creates a table."""
    (tmp_path / "migrations").mkdir()
    monkeypatch.setattr(migrate, "DATABASE", tmp_path)
    instance.bootstrap()
    drop_tables(instance)
    for number in (1, 2, 3):
        write_migration(number)
    return instance


@pytest.fixture
def posts(database: Postgres) -> Postgres:
    """A table with two posts of the same text, which the first migration created."""
    write_migration(
        1,
        "CREATE TABLE posts (author text, text text);"
        "INSERT INTO posts VALUES ('londo', 'Hello'), ('bayko', 'Hello');",
        "DROP TABLE posts;",
    )
    write_migration(2)
    write_migration(3)
    database.invoke({"do": "migrate"})
    return database


@pytest.fixture
def temporary_tables(database: Postgres):
    """Allow the migrator to create temporary tables during the test."""
    with database.connect(database.master_credentials()["username"]) as master:
        master.execute(f"GRANT TEMPORARY ON DATABASE {DATABASE_NAME} TO {MIGRATOR}")
        yield
        master.execute(f"REVOKE TEMPORARY ON DATABASE {DATABASE_NAME} FROM {MIGRATOR}")
