"""Concurrent runs and the lock, on a real PostgreSQL."""

# ruff: noqa: S608 -- the tests build SQL from constants

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from migrate import handler as migrate
from migrate import journal, lock
from migrate.errors import MigrationError
from stacks.database import MIGRATOR
from tests.lambdas.migrate.migration_files import (
    OUTSIDE_TRANSACTION,
    applied_migrations,
    error_of,
    tables_of_migrations,
    write_migration,
)
from tests.lambdas.postgres import Postgres

pytestmark = pytest.mark.thorough


def test_concurrent_runs(database: Postgres) -> None:
    """One of several concurrent runs applies each file once; the others have nothing to apply.

    CREATE INDEX CONCURRENTLY waits for all transactions, so the waiting runs must not have one.
    """
    write_migration(1, "SELECT pg_sleep(0.3); CREATE TABLE t1 (id integer);")
    write_migration(
        3,
        f"{OUTSIDE_TRANSACTION}CREATE INDEX CONCURRENTLY i3 ON t1 (id);",
        "DROP INDEX i3;",
    )
    barrier = threading.Barrier(4)

    def call() -> list[str]:
        barrier.wait()
        return migrate.handler({"do": "migrate"}, None)["applied"]

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(4) as pool:
        for name, value in database.environment(MIGRATOR).items():
            patch.setenv(name, value)
        calls = [pool.submit(call) for _ in range(4)]
        applied = [call.result() for call in calls]

    assert sorted(applied) == [[], [], [], ["0001_t", "0002_t", "0003_t"]]


def test_the_lock_is_held_by_another_run(
    database: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that cannot get the lock changes nothing; the lock ends with its connection."""
    monkeypatch.setattr(lock, "LOCK_SECONDS", 0.3)
    with database.connect(MIGRATOR) as other:
        other.execute(f"SELECT pg_advisory_lock({lock.LOCK})")

        with pytest.raises(MigrationError, match="another migration is running"):
            database.invoke({"do": "migrate"})

    assert database.invoke({"do": "migrate"}) != {"applied": []}


def test_a_lost_lock(database: Postgres) -> None:
    """A run that lost its lock stops before the next file."""
    write_migration(
        2,
        "SELECT pg_terminate_backend(pid) FROM pg_locks"
        f" WHERE locktype = 'advisory' AND objid = {lock.LOCK}; SELECT pg_sleep(0.2);",
    )

    assert error_of(database).startswith("the connection that holds the lock was lost")
    assert applied_migrations(database) == ["0001_t", "0002_t"]


def test_the_lock_is_kept_while_its_connection_is_idle(database: Postgres) -> None:
    """A server that ends idle sessions does not end the one that holds the lock."""
    write_migration(2, f"{OUTSIDE_TRANSACTION}SELECT pg_sleep(1);")
    try:
        database.query(f"ALTER ROLE {MIGRATOR} SET idle_session_timeout = '300ms'")
        result = database.invoke({"do": "migrate"})
    finally:
        database.query(f"ALTER ROLE {MIGRATOR} RESET idle_session_timeout")

    assert result == {"applied": ["0001_t", "0002_t", "0003_t"]}


def test_the_lock_is_released_with_its_connection(database: Postgres) -> None:
    """A run that waits for the lock continues when the run that holds it loses its connection."""
    with database.connect(MIGRATOR) as other:
        other.execute(f"SELECT pg_advisory_lock({lock.LOCK})")
        termination = threading.Timer(
            1, database.query, ["SELECT pg_terminate_backend(%s)", other.info.backend_pid]
        )
        termination.start()

        assert len(database.invoke({"do": "migrate"})["applied"]) == 3
        termination.join()


def test_two_runs_without_the_lock(database: Postgres, monkeypatch) -> None:
    """Even without the lock a file is applied once: the journal refuses the second record."""
    monkeypatch.setattr(lock, "_try_lock", lambda _: True)
    write_migration(1, "SELECT pg_sleep(0.5); CREATE TABLE t1 (id integer);")
    with database.connect(MIGRATOR) as connection:
        journal.create(connection)
    for name, value in database.environment(MIGRATOR).items():
        monkeypatch.setenv(name, value)
    barrier = threading.Barrier(2)

    def call() -> object:
        barrier.wait()
        try:
            return migrate.handler({"do": "migrate"}, None)
        except MigrationError as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        results = [call.result() for call in [pool.submit(call) for _ in range(2)]]

    assert {"applied": ["0001_t", "0002_t", "0003_t"]} in results
    assert "0001_t.sql: another run is applying it: run ./inv db.status" in results
    assert tables_of_migrations(database) == ["t1", "t2", "t3"]
