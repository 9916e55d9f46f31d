"""The migrate function, killed between any two of its steps."""

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
from tests.lambdas.migrate.migration_files import database, empty, made, rows, tables, write
from tests.lambdas.postgres import ROOT, Postgres

pytestmark = pytest.mark.thorough

__all__ = ["database", "made"]

ALONE = "-- transactional: false\n"
INDEX = "SELECT count(*) FROM pg_indexes WHERE indexname = 'i3'"
OTHERS = (
    "SELECT FROM pg_stat_activity WHERE datname = current_database()"
    f" AND usename = '{MIGRATOR}' AND pid <> pg_backend_pid()"
)


@pytest.fixture(scope="module")
def processes():
    """Processes that are forked from one which has imported the function."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([killed_process.__name__])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{ROOT}:{ROOT}/lambdas")
        yield context


def killed_at(processes, database: Postgres, event: dict[str, Any], step: int) -> bool:
    """Call the function in another process; return whether it was killed before it ended."""
    given = (database.environment(MIGRATOR), handler.DATABASE, event, step)
    process = processes.Process(target=killed_process.call_and_kill, args=given)
    process.start()
    process.join()
    assert process.exitcode in {0, -signal.SIGKILL}
    deadline = time.monotonic() + 20
    while database.ask(OTHERS):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process.exitcode != 0


def settle(database: Postgres, error: MigrationError) -> None:
    """Run the statement in the error, as an operator would after checking the database."""
    said = str(error)
    yes, no = (said.partition(word)[2].partition(";")[0] for word in ("run there: ", "if not: "))
    [(index,)] = database.ask(INDEX)
    took_effect = bool(index) == ("0003_t.sql: the run" in said)
    database.ask(yes if took_effect else no)


def finish(database: Postgres, event: dict[str, Any]) -> None:
    """Run the *event* to its end."""
    try:
        database.call(event)
    except MigrationError as error:
        settle(database, error)
        database.call(event)


def assert_consistent(database: Postgres) -> None:
    """A table is there exactly if its migration has a row; an index never without one."""
    recorded = rows(database)
    assert [f"{int(name[:4]):04}_t" for name in recorded] == recorded
    assert [f"t{int(name[:4])}" for name in recorded if name != "0003_t"] == tables(database)
    [(index,)] = database.ask(INDEX)
    known = database.call({"do": "status"})
    if index:
        assert "0003_t" in [*known["applied"], *known["interrupted"]]
    if "0003_t" in known["applied"]:
        assert index


@pytest.mark.parametrize(
    ("event", "left"),
    [
        ({"do": "migrate"}, ["0001_t", "0002_t", "0003_t"]),
        ({"do": "rollback", "steps": 2}, ["0001_t"]),
    ],
    ids=["migrate", "rollback"],
)
def test_killed_at_any_step(
    processes, database: Postgres, event: dict[str, Any], left: list[str]
) -> None:
    """Whenever it is killed, the journal is true, and the next run goes on to the same end."""
    write(3, f"{ALONE}CREATE INDEX CONCURRENTLY i3 ON t1 (id);", f"{ALONE}DROP INDEX i3;")
    step = 1
    while True:
        if event["do"] == "rollback":
            database.call({"do": "migrate"})
        if not killed_at(processes, database, event, step):
            break
        assert_consistent(database)
        remaining = {"do": "rollback", "steps": len(rows(database)) - 1 or 1}
        if event["do"] == "migrate":
            finish(database, event)
            assert left == rows(database)
            empty(database)
        elif rows(database) != left:
            finish(database, remaining)
        step += 1

    assert step > 12
    assert left == rows(database)
    assert_consistent(database)
