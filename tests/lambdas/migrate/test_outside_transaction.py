"""Files with `-- transactional: false`, on a real PostgreSQL."""

# ruff: noqa: S608 -- the tests build SQL from constants

from __future__ import annotations

import pytest

from migrate import lock, runner
from tests.lambdas.migrate.migration_files import (
    OUTSIDE_TRANSACTION,
    applied_migrations,
    count_posts,
    error_of,
    write_migration,
)
from tests.lambdas.postgres import Postgres

pytestmark = pytest.mark.thorough


def test_a_file_outside_a_transaction(database: Postgres) -> None:
    """A file with the directive runs outside a transaction and is recorded like any other."""
    write_migration(
        3,
        f"{OUTSIDE_TRANSACTION}CREATE INDEX CONCURRENTLY i3 ON t1 (id);",
        "DROP INDEX i3;",
    )

    assert len(database.invoke({"do": "migrate"})["applied"]) == 3

    assert database.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i3'::regclass") == [
        (True,)
    ]
    assert database.invoke({"do": "rollback"}) == {"rolled_back": ["0003_t"]}


TWO_INDEXES = f"""{OUTSIDE_TRANSACTION}
CREATE INDEX CONCURRENTLY posts_author ON posts (author);
CREATE UNIQUE INDEX CONCURRENTLY posts_text ON posts (text);
"""

DELETE_POSTS = "DELETE FROM posts;"


def test_two_statements_outside_a_transaction(posts: Postgres) -> None:
    """The file is refused before anything changes, and no rollback statement runs."""
    write_migration(4, TWO_INDEXES, DELETE_POSTS)

    error = error_of(posts)

    assert error.splitlines() == [
        (
            "0004_t.sql: line 4: a file with -- transactional: false has one statement:"
            " move this one to a file of its own"
        ),
        "nothing was changed",
    ]
    assert count_posts(posts) == 2
    assert posts.query("SELECT FROM pg_indexes WHERE tablename = 'posts'") == []


def test_a_rollback_outside_a_transaction(posts: Postgres) -> None:
    """A rollback file needs its own directive; if it fails, the migration stays recorded."""
    write_migration(
        4,
        f"{OUTSIDE_TRANSACTION}CREATE INDEX CONCURRENTLY i4 ON posts (text);",
        f"{OUTSIDE_TRANSACTION}DROP INDEX no;",
    )
    posts.invoke({"do": "migrate"})

    error = error_of(posts, "rollback")
    last = applied_migrations(posts)[-1]
    write_migration(
        4,
        f"{OUTSIDE_TRANSACTION}CREATE INDEX CONCURRENTLY i4 ON posts (text);",
        f"{OUTSIDE_TRANSACTION}DROP INDEX i4;",
    )

    assert error == '0004_t.rollback.sql: index "no" does not exist'
    assert last == "0004_t"
    assert posts.invoke({"do": "rollback"}) == {"rolled_back": ["0004_t"]}


@pytest.mark.parametrize("event", ["migrate", "rollback"])
def test_interrupted_outside_a_transaction(posts: Postgres, monkeypatch, event: str) -> None:
    """A statement with an unknown outcome is not sent again; the error describes how to check it."""
    write_migration(
        4,
        f"{OUTSIDE_TRANSACTION}CREATE INDEX CONCURRENTLY i4 ON posts (text);",
        f"{OUTSIDE_TRANSACTION}DROP INDEX i4;",
    )
    if event == "rollback":
        posts.invoke({"do": "migrate"})
    with monkeypatch.context() as patch:
        patch.setattr(runner, "_outside_transaction", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            posts.invoke({"do": event})

    error = error_of(posts)
    interrupted = posts.invoke({"do": "status"})["interrupted"]
    statement = error.partition("if not: ")[2].partition(";")[0]
    posts.query(statement)

    assert interrupted == ["0004_t"]
    assert error.startswith(
        f"0004_t.{'rollback.' * (event == 'rollback')}sql: the run that sent it"
    )
    assert posts.invoke({"do": event}) in ({"applied": ["0004_t"]}, {"rolled_back": ["0004_t"]})


def _interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_lost_connection_outside_a_transaction(database: Postgres) -> None:
    """The outcome of the statement is unknown, and the next run reports that."""
    write_migration(2, f"{OUTSIDE_TRANSACTION}SELECT pg_terminate_backend(pg_backend_pid());")

    error, again = error_of(database), error_of(database)

    assert error.endswith(": run ./inv db.migrate again: it reports what to do")
    assert again.startswith("0002_t.sql: the run that sent it was interrupted")


def test_a_lost_lock_outside_a_transaction(database: Postgres) -> None:
    """A statement that took effect but was not recorded is not run again automatically."""
    kill = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks"
        f" WHERE locktype = 'advisory' AND objid = {lock.LOCK};"
    )
    write_migration(2, f"{OUTSIDE_TRANSACTION}{kill}")

    error, again = error_of(database), error_of(database)

    assert error.startswith(
        "the connection that holds the lock was lost: run ./inv db.migrate again"
    )
    assert again.startswith("0002_t.sql: the run that sent it was interrupted")
