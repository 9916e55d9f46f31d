"""The migrate function, killed between any two of its statements."""

from __future__ import annotations

import multiprocessing
import signal
import time
from typing import Any

import pytest

from migrate import handler
from migrate.errors import MigrationError
from stacks.database import MIGRATOR
from tests.lambdas.migrate import killed_process
from tests.lambdas.migrate.migration_files import (
    OUTSIDE_TRANSACTION,
    applied_migrations,
    drop_tables,
    tables_of_migrations,
    write_migration,
)
from tests.lambdas.postgres import ROOT, Postgres

pytestmark = pytest.mark.thorough

COUNT_INDEX = "SELECT count(*) FROM pg_indexes WHERE indexname = 'i3'"
OTHER_CONNECTIONS = (
    "SELECT FROM pg_stat_activity WHERE datname = current_database()"
    f" AND usename = '{MIGRATOR}' AND pid <> pg_backend_pid()"
)


@pytest.fixture(scope="module")
def processes():
    """A context that forks processes from one that has imported the function."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([killed_process.__name__])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{ROOT}:{ROOT}/lambdas")
        yield context


def killed_at(processes, database: Postgres, event: dict[str, Any], step: int) -> bool:
    """Invoke the function in another process; return whether it was killed before it ended."""
    arguments = (database.environment(MIGRATOR), handler.DATABASE, event, step)
    process = processes.Process(target=killed_process.call_and_kill, args=arguments)
    process.start()
    process.join()
    assert process.exitcode in {0, -signal.SIGKILL}
    deadline = time.monotonic() + 60
    while database.query(OTHER_CONNECTIONS):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process.exitcode != 0


def resolve(database: Postgres, error: MigrationError) -> None:
    """Run the statement in the error, as an operator would after checking the database."""
    text = str(error)
    if_applied, if_not = (
        text.partition(word)[2].partition(";")[0] for word in ("run there: ", "if not: ")
    )
    [(index,)] = database.query(COUNT_INDEX)
    took_effect = bool(index) == ("0003_t.sql: the run" in text)
    database.query(if_applied if took_effect else if_not)


def complete(database: Postgres, event: dict[str, Any]) -> None:
    """Invoke the function with *event*; resolve an interruption and invoke it again."""
    try:
        database.invoke(event)
    except MigrationError as error:
        resolve(database, error)
        database.invoke(event)


def assert_consistent(database: Postgres) -> None:
    """Assert that the journal matches the tables, and that an index is never without a row."""
    recorded = applied_migrations(database)
    assert [f"{int(name[:4]):04}_t" for name in recorded] == recorded
    assert [f"t{int(name[:4])}" for name in recorded if name != "0003_t"] == tables_of_migrations(
        database
    )
    [(index,)] = database.query(COUNT_INDEX)
    known = database.invoke({"do": "status"})
    if index:
        assert "0003_t" in [*known["applied"], *known["interrupted"]]
    if "0003_t" in known["applied"]:
        assert index


@pytest.mark.parametrize(
    ("event", "applied"),
    [
        ({"do": "migrate"}, ["0001_t", "0002_t", "0003_t"]),
        ({"do": "rollback", "steps": 2}, ["0001_t"]),
    ],
    ids=["migrate", "rollback"],
)
def test_killed_at_any_statement(
    processes, database: Postgres, event: dict[str, Any], applied: list[str]
) -> None:
    """The journal is always correct, and the next run reaches the same final state."""
    write_migration(
        3,
        f"{OUTSIDE_TRANSACTION}CREATE INDEX CONCURRENTLY i3 ON t1 (id);",
        f"{OUTSIDE_TRANSACTION}DROP INDEX i3;",
    )
    step = 1
    while True:
        if event["do"] == "rollback":
            database.invoke({"do": "migrate"})
        if not killed_at(processes, database, event, step):
            break
        assert_consistent(database)
        remaining = {"do": "rollback", "steps": len(applied_migrations(database)) - 1 or 1}
        if event["do"] == "migrate":
            complete(database, event)
            assert applied == applied_migrations(database)
            drop_tables(database)
        elif applied_migrations(database) != applied:
            complete(database, remaining)
        step += 1

    assert step > 12
    assert applied == applied_migrations(database)
    assert_consistent(database)
