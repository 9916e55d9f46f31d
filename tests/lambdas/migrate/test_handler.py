"""Each task of the migrate function, with small migrations on a real PostgreSQL."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrate import handler as migrate
from migrate.errors import MigrationError
from migrate.handler import InvalidEventError
from tests.lambdas.migrate.migration_files import (
    applied_migrations,
    drop_tables,
    tables_of_migrations,
    write_migration,
)
from tests.lambdas.postgres import ROOT, Postgres

pytestmark = pytest.mark.thorough
NO_PROBLEMS = {"missing": [], "changed": [], "interrupted": []}


def test_migrate_and_roll_back(database: Postgres) -> None:
    """Migrations are applied in the order of their names, and rolled back one by one or together."""
    files = ["0001_t", "0002_t", "0003_t"]

    assert {"applied": [], "pending": files} | NO_PROBLEMS == database.invoke({"do": "status"})
    assert {"applied": files} == database.invoke({"do": "migrate"})
    assert database.invoke({"do": "migrate"}) == {"applied": []}
    assert tables_of_migrations(database) == ["t1", "t2", "t3"]
    assert database.invoke({"do": "rollback"}) == {"rolled_back": ["0003_t"]}
    assert {"applied": files[:2], "pending": files[2:]} | NO_PROBLEMS == database.invoke(
        {"do": "status"}
    )
    assert database.invoke({"do": "rollback", "steps": 9}) == {"rolled_back": ["0002_t", "0001_t"]}
    assert (tables_of_migrations(database), applied_migrations(database)) == ([], [])


@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(st.one_of(st.just("migrate"), st.integers(1, 4)), max_size=6))
def test_the_journal_matches_the_tables(database: Postgres, steps: list[str | int]) -> None:
    """After any sequence of tasks, a table exists exactly if the journal has its migration."""
    drop_tables(database)
    expected = 0
    for step in steps:
        if step == "migrate":
            database.invoke({"do": "migrate"})
            expected = 3
        else:
            database.invoke({"do": "rollback", "steps": step})
            expected = max(0, expected - int(step))

        assert [f"{number:04}_t" for number in range(1, expected + 1)] == applied_migrations(
            database
        )
        assert [f"t{number}" for number in range(1, expected + 1)] == tables_of_migrations(database)


def test_no_secret_is_logged(database: Postgres, capfd) -> None:
    """Neither the password nor a token is in a log line, a result or an error."""
    secret = database.master_credentials()["password"]
    write_migration(2, "INSERT INTO t1 VALUES ('londo@example.com');")

    texts = [json.dumps(database.bootstrap())]
    for event in ({"do": "migrate"}, {"do": "status"}, {"do": "seed"}):
        try:
            texts.append(json.dumps(database.invoke(event)))
        except (MigrationError, FileNotFoundError) as error:
            texts.append(str(error))

    texts += capfd.readouterr()
    assert '"event": "done"' in "".join(texts)
    for word in (secret, "X-Amz-Signature", "X-Amz-Credential"):
        assert word not in "".join(texts)


def test_a_failed_seed_adds_nothing(database: Postgres) -> None:
    """The seed runs in one transaction, so a failure adds no rows."""
    database.invoke({"do": "migrate"})
    (migrate.DATABASE / "seed.sql").write_text("INSERT INTO t1 VALUES (1); SELECT 1 / 0;")

    with pytest.raises(MigrationError, match=r"^seed\.sql: DivisionByZero \(SQLSTATE 22012\)$"):
        database.invoke({"do": "seed"})

    assert database.query("SELECT * FROM t1") == []


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"do": "drop"},
        {"do": None},
        {"do": "rollback", "steps": 0},
        {"do": "rollback", "steps": -1},
        {"do": "rollback", "steps": "1"},
        {"do": "rollback", "steps": True},
        {"do": "rollback", "expected": "0001_t"},
        {"do": "rollback", "expected": [1]},
        {"do": "bootstrap"},
        {"do": "bootstrap", "username": "overseer", "password": 5},
        {"do": "bootstrap", "username": ["overseer"], "password": "a-secret"},
    ],
    ids=repr,
)
def test_unknown_tasks_are_refused(event: dict[str, Any]) -> None:
    """An invalid event is refused and not quoted, because it may contain a password."""
    with pytest.raises(InvalidEventError) as refused:
        migrate.handler(event, None)

    assert "a-secret" not in str(refused.value)


@pytest.mark.parametrize(
    "file", sorted(Path(ROOT, "lambdas/migrate/events").iterdir()), ids=lambda file: file.stem
)
def test_sample_events(database: Postgres, file: Path) -> None:
    """The function accepts each sample event."""
    (migrate.DATABASE / "seed.sql").write_text("SELECT 1;")

    assert database.invoke(json.loads(file.read_text()))
