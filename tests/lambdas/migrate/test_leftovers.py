"""Objects that a failed statement outside a transaction leaves behind, on a real PostgreSQL."""

from __future__ import annotations

import psycopg
import pytest

from migrate import leftovers, runner
from migrate.leftovers import Leftover
from stacks.database import MIGRATOR
from tests.lambdas.migrate.migration_files import (
    OUTSIDE_TRANSACTION,
    applied_migrations,
    count_posts,
    error_of,
    write_migration,
)
from tests.lambdas.postgres import Postgres

pytestmark = pytest.mark.thorough
DELETE_POSTS = "DELETE FROM posts;"


def test_an_invalid_index_is_reported(posts: Postgres) -> None:
    """The error has the command that removes an invalid index; after that the file can be applied.

    Until then the file is not recorded as applied, and no rollback statement runs.
    """
    name = '"0004 The ""index"""'
    command = f"DROP INDEX CONCURRENTLY public.{name}"
    write_migration(
        4,
        f"{OUTSIDE_TRANSACTION}CREATE UNIQUE INDEX CONCURRENTLY {name} ON posts (text);",
        DELETE_POSTS,
    )

    first, again = error_of(posts), error_of(posts)
    states = posts.query("SELECT state FROM schema_migrations WHERE name = '0004_t'")
    number_of_posts = count_posts(posts)
    posts.query(command)
    posts.query("DELETE FROM posts WHERE author = 'bayko'")
    applied = posts.invoke({"do": "migrate"})

    invalid = f"0004_t.sql: index public.{name} is invalid: run {command};"
    assert ['0004_t.sql: could not create unique index "0004 The ""index"""', invalid] == [
        first.splitlines()[0].replace('"0004 The "index""', name),
        first.splitlines()[1],
    ]
    assert "already exists" in again.splitlines()[0]
    assert [invalid] == again.splitlines()[1:]
    assert (states, number_of_posts) == ([], 2)
    assert applied == {"applied": ["0004_t"]}


def test_if_not_exists_with_an_invalid_index(posts: Postgres) -> None:
    """If IF NOT EXISTS skips an invalid index, the file is not recorded as applied."""
    write_migration(
        4,
        f"{OUTSIDE_TRANSACTION}CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i4 ON posts (text);",
    )
    error_of(posts)

    error = error_of(posts)

    assert error == "0004_t.sql: index public.i4 is invalid: run DROP INDEX CONCURRENTLY public.i4;"
    assert "0004_t" not in applied_migrations(posts)


def test_an_unrelated_invalid_index_is_ignored(posts: Postgres) -> None:
    """An older invalid index does not block the files that do not use it."""
    with pytest.raises(psycopg.errors.UniqueViolation):
        posts.query("CREATE UNIQUE INDEX CONCURRENTLY others ON posts (text)")
    write_migration(4, f"{OUTSIDE_TRANSACTION}CREATE INDEX CONCURRENTLY i4 ON posts (text);")
    write_migration(5, f"{OUTSIDE_TRANSACTION}DROP INDEX CONCURRENTLY others;")

    assert posts.invoke({"do": "migrate"}) == {"applied": ["0004_t", "0005_t"]}


def test_a_half_detached_partition_is_reported(database: Postgres) -> None:
    """The error has the command that completes the detachment of a partition."""
    write_migration(1, "CREATE TABLE t1 (id integer) PARTITION BY LIST (id);")
    write_migration(2, "CREATE TABLE t2 PARTITION OF t1 FOR VALUES IN (2);")
    database.invoke({"do": "migrate"})
    write_migration(
        4, f"{OUTSIDE_TRANSACTION}ALTER TABLE t1 DETACH PARTITION t2 CONCURRENTLY;", "SELECT 1;"
    )
    with pytest.MonkeyPatch.context() as patch, database.connect(MIGRATOR) as other:
        patch.setitem(runner.SETTINGS, "lock_timeout", "200ms")
        other.execute("BEGIN; SELECT FROM t1")

        error = error_of(database)
        other.execute("ROLLBACK")

    command = "ALTER TABLE t1 DETACH PARTITION t2 FINALIZE"
    assert error.splitlines() == [
        "0004_t.sql: canceling statement due to lock timeout",
        f"0004_t.sql: partition t2 is half detached: run {command};",
    ]
    database.query(command)


def test_leftovers_of_a_statement() -> None:
    """The leftovers are new objects, and older ones that the statement names."""
    old, named, new = (Leftover(name, "is", "DROP") for name in ("old", "named", "new"))

    found = leftovers.of_statement(frozenset({"named", "x"}), [old, named], [old, named, new])

    assert [named, new] == found
