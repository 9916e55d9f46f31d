"""The function that works on the schema, on a real PostgreSQL and with small migrations."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrate import handler as migrate
from migrate import lock, runner
from migrate.errors import MigrationError
from migrate.handler import UnknownTaskError
from stacks.database import APPLICATION, MIGRATOR
from tests.lambdas.migrate.migration_files import database, empty, made, remove, rows, tables, write
from tests.lambdas.postgres import ROOT, Postgres

pytestmark = pytest.mark.thorough

__all__ = ["database", "made"]

NONE = {"missing": [], "changed": [], "interrupted": []}


def test_forward_and_back(database: Postgres) -> None:
    """All that is pending, in order of the names; back one by one, or several at once."""
    files = ["0001_t", "0002_t", "0003_t"]

    assert {"applied": [], "pending": files} | NONE == database.call({"do": "status"})
    assert {"applied": files} == database.call({"do": "migrate"})
    assert {"applied": []} == database.call({"do": "migrate"})
    assert ["t1", "t2", "t3"] == tables(database)
    assert {"rolled_back": ["0003_t"]} == database.call({"do": "rollback"})
    assert {"applied": files[:2], "pending": files[2:]} | NONE == database.call({"do": "status"})
    assert {"rolled_back": ["0002_t", "0001_t"]} == database.call({"do": "rollback", "steps": 9})
    assert ([], []) == (tables(database), rows(database))


@pytest.mark.parametrize(
    "failing",
    [
        "CREATE TABLE t2 (id integer); SELECT 1 / 0;",
        "CREATE TABLE t2 (id integer); CREATE TABLE t1 (id integer);",
        "CREATE TABLE t2 (id integer); INSERT INTO t2 SELECT * FROM nowhere;",
    ],
)
def test_a_failure(database: Postgres, failing: str) -> None:
    """What came before is kept, of the file nothing is, and what comes after waits.

    A failed file of the original was recorded as done (defect 130).
    """
    write(2, failing)

    with pytest.raises(MigrationError, match=r"^0002_t\.sql: "):
        database.call({"do": "migrate"})

    assert (["t1"], ["0001_t"]) == (tables(database), rows(database))
    write(2)
    assert {"applied": ["0002_t", "0003_t"]} == database.call({"do": "migrate"})


def test_a_failure_back(database: Postgres) -> None:
    """A way back that fails leaves the file applied."""
    write(3, back="DROP TABLE t3; DROP TABLE nowhere;")
    database.call({"do": "migrate"})

    with pytest.raises(
        MigrationError, match=r"^0003_t\.rollback\.sql: table \"nowhere\" does not exist"
    ):
        database.call({"do": "rollback"})

    assert (["t1", "t2", "t3"], 3) == (tables(database), len(rows(database)))


def test_a_missing_rollback_file(database: Postgres) -> None:
    """It is named, and nothing is rolled back, not even what has one."""
    write(2, back=None)
    (migrate.DATABASE / "migrations" / "0002_t.rollback.sql").unlink()
    database.call({"do": "migrate"})

    with pytest.raises(MigrationError, match=r"^0002_t\.rollback\.sql: is missing"):
        database.call({"do": "rollback", "steps": 2})

    assert 3 == len(tables(database)) == len(rows(database))


def test_a_missing_file(database: Postgres) -> None:
    """An applied file that is missing is named; nothing is applied on top or rolled back."""
    database.call({"do": "migrate"})
    remove(2)

    assert ["0002_t"] == database.call({"do": "status"})["missing"]
    assert {"applied": []} == database.call({"do": "migrate"})
    write(4)
    for event in ({"do": "migrate"}, {"do": "rollback"}):
        with pytest.raises(MigrationError, match=r"^0002_t\.sql: is missing, but was applied"):
            database.call(event)
    assert ["t1", "t2", "t3"] == tables(database)


def test_a_late_file(database: Postgres) -> None:
    """A file from a branch that was merged late is applied, and reported.

    The original skipped what sorted lower than the last (defect 127).
    """
    remove(2)
    database.call({"do": "migrate"})
    write(2)

    done = database.call({"do": "migrate"})

    assert {"applied": ["0002_t"], "out_of_order": ["0002_t"]} == done


def test_rollback_takes_the_last_applied(database: Postgres) -> None:
    """The order is that of the journal, not that of the names."""
    remove(2)
    database.call({"do": "migrate"})
    write(2)
    database.call({"do": "migrate"})

    assert ["0001_t", "0003_t", "0002_t"] == rows(database)
    assert {"rolled_back": ["0002_t", "0003_t"]} == database.call({"do": "rollback", "steps": 2})
    assert ["t1"] == tables(database)


def test_rollback_of_what_was_announced(database: Postgres) -> None:
    """A migration that was applied meanwhile is not rolled back in place of the announced one."""
    database.call({"do": "migrate"})

    with pytest.raises(MigrationError, match=r"are 0003_t, not 0002_t: nothing was changed"):
        database.call({"do": "rollback", "expected": ["0002_t"]})

    assert {"rolled_back": ["0003_t"]} == database.call({"do": "rollback", "expected": ["0003_t"]})


def test_what_sql_may_hold(database: Postgres) -> None:
    """A function with statements in it, a percent sign, a comment, a dollar quote, text in UTF-8."""
    write(
        1,
        """
        -- A comment; with a semicolon.
        CREATE TABLE t1 (id integer, name text DEFAULT '100 %s; ü');
        CREATE FUNCTION f1() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.id IS NULL THEN
                NEW.id := 1;
            END IF;
            RETURN NEW;
        END;
        $$;
        CREATE TRIGGER t1 BEFORE INSERT ON t1 FOR EACH ROW EXECUTE FUNCTION f1();
        INSERT INTO t1 (id) VALUES (NULL);
        """,
        "DROP TABLE t1;\nDROP FUNCTION f1();",
    )

    database.call({"do": "migrate"})

    assert [(1, "100 %s; ü")] == database.ask("SELECT * FROM t1")
    database.call({"do": "rollback", "steps": 3})
    assert [] == database.ask("SELECT FROM pg_proc WHERE proname = 'f1'")


def test_outside_a_transaction(database: Postgres) -> None:
    """What PostgreSQL does in no transaction says so, and has its row all the same."""
    write(
        3,
        "-- transactional: false\nCREATE INDEX CONCURRENTLY i3 ON t1 (id);",
        "DROP INDEX i3;",
    )

    assert 3 == len(database.call({"do": "migrate"})["applied"])

    assert [(True,)] == database.ask(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'i3'::regclass"
    )
    assert {"rolled_back": ["0003_t"]} == database.call({"do": "rollback"})


def test_some_at_once(database: Postgres) -> None:
    """Every file is applied once, whoever comes first; the others have nothing to do.

    An index that is made concurrently waits for every transaction there is, also for theirs.
    """
    write(1, "SELECT pg_sleep(0.3); CREATE TABLE t1 (id integer);")
    write(
        3,
        "-- transactional: false\nCREATE INDEX CONCURRENTLY i3 ON t1 (id);",
        "DROP INDEX i3;",
    )
    gate = threading.Barrier(4)

    def call() -> list[str]:
        gate.wait()
        return migrate.handler({"do": "migrate"}, None)["applied"]

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(4) as pool:
        for name, value in database.environment(MIGRATOR).items():
            patch.setenv(name, value)
        calls = [pool.submit(call) for _ in range(4)]
        applied = [call.result() for call in calls]

    assert [[], [], [], ["0001_t", "0002_t", "0003_t"]] == sorted(applied)


def test_another_holds_the_lock(database: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waited in vain says why, and did nothing; the lock goes with the connection."""
    monkeypatch.setattr(lock, "LOCK_SECONDS", 0.3)
    with database.connect(MIGRATOR) as other:
        other.execute(f"SELECT pg_advisory_lock({lock.LOCK})")

        with pytest.raises(MigrationError, match="another migration is running"):
            database.call({"do": "migrate"})

    assert {"applied": []} != database.call({"do": "migrate"})


def test_a_table_in_use(database: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that would wait for long, and everyone behind it, gives up."""
    database.call({"do": "migrate"})
    write(4, "ALTER TABLE t1 ADD COLUMN more text;", "ALTER TABLE t1 DROP COLUMN more;")
    monkeypatch.setitem(runner.SETTINGS, "lock_timeout", "200ms")
    with database.connect(MIGRATOR) as other, other.transaction():
        other.execute("LOCK TABLE t1 IN ACCESS SHARE MODE")
        begun = time.monotonic()

        with pytest.raises(
            MigrationError, match=r"0004_t\.sql: canceling statement due to lock timeout"
        ):
            database.call({"do": "migrate"})

        assert time.monotonic() - begun < 5


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(st.one_of(st.just("migrate"), st.integers(1, 4)), max_size=6))
def test_rows_are_what_is_applied(database: Postgres, steps: list[str | int]) -> None:
    """Whatever is done in whatever order: a table is there exactly if its file has a row."""
    empty(database)
    expected = 0
    for step in steps:
        if step == "migrate":
            database.call({"do": "migrate"})
            expected = 3
        else:
            database.call({"do": "rollback", "steps": step})
            expected = max(0, expected - int(step))

        assert [f"{number:04}_t" for number in range(1, expected + 1)] == rows(database)
        assert [f"t{number}" for number in range(1, expected + 1)] == tables(database)


def test_bootstrap(made: Postgres) -> None:
    """Twice is as good as once. They come with a token, and neither is more than it must be."""
    made.bootstrap()

    assert {"created": []} == made.bootstrap()
    for user in (MIGRATOR, APPLICATION):
        with made.connect(user) as connection:
            assert (user,) == connection.execute("SELECT current_user").fetchone()
        assert [(user, False, False, False, False, None)] == made.ask(
            "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolvaliduntil"
            " FROM pg_roles WHERE rolname = %s",
            user,
        )
        assert [("rds_iam",)] == made.ask(
            "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = %s::regrole", user
        )


def test_bootstrap_makes_who_is_missing(made: Postgres) -> None:
    """A database that has lost one of them gets it again."""
    made.bootstrap()
    with made.connect(made.master()["username"]) as master:
        for line in ("REVOKE ALL ON DATABASE cruddur", "REVOKE ALL ON SCHEMA public"):
            master.execute(f"{line} FROM {APPLICATION}")
        tables = made.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in tables:
            made.ask(f'DROP TABLE "{table}"')
        master.execute(f"DROP ROLE {APPLICATION}")

    assert {"created": [APPLICATION]} == made.bootstrap()


def test_the_master_keeps_its_password(made: Postgres) -> None:
    """It is granted no user of rds_iam to be: RDS would ask it for a token then."""
    made.bootstrap()
    master = made.master()["username"]

    granted = made.ask(
        "SELECT roleid::regrole::text FROM pg_auth_members"
        " WHERE member = %s::regrole AND (inherit_option OR set_option)",
        master,
    )

    assert {(MIGRATOR,), (APPLICATION,)}.isdisjoint(granted)


@pytest.mark.parametrize("password", ["wrong", "", "it's \\ 100%s"])
def test_a_wrong_password(made: Postgres, password: str, capfd) -> None:
    """Refused by the database, or by us, and the password is told to nobody."""
    event = made.master() | {"do": "bootstrap", "password": password}

    with pytest.raises(psycopg.OperationalError) as refused:
        made.call(event)

    told = str(refused.value) + "".join(capfd.readouterr())
    assert "password" in told
    assert not password or password not in told


def test_no_word_of_a_secret(database: Postgres, capfd) -> None:
    """Neither password nor token is in the log, in a result or an error, however it ends."""
    secret = database.master()["password"]
    write(2, "INSERT INTO t1 VALUES ('londo@example.com');")

    told = [json.dumps(database.bootstrap())]
    for event in ({"do": "migrate"}, {"do": "status"}, {"do": "seed"}):
        try:
            told.append(json.dumps(database.call(event)))
        except (MigrationError, FileNotFoundError) as error:
            told.append(str(error))

    told += capfd.readouterr()
    assert '"event": "done"' in "".join(told)
    for word in (secret, "X-Amz-Signature", "X-Amz-Credential"):
        assert word not in "".join(told)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ADD UNIQUE (mail)", "could not create unique index"),
        ("ALTER mail TYPE integer USING mail::integer", "InvalidTextRepresentation"),
        ("ALTER mail TYPE varchar(3)", "StringDataRightTruncation"),
        ("ADD CHECK (mail = '')", "is violated by some row"),
    ],
)
def test_no_row_is_quoted(database: Postgres, capfd, change: str, said: str) -> None:
    """PostgreSQL quotes what is in the way; we do not."""
    write(2, "CREATE TABLE t2 (mail text); INSERT INTO t2 VALUES ('londo@x'), ('londo@x');")
    write(3, f"ALTER TABLE t2 {change};")

    with pytest.raises(MigrationError, match=said) as refused:
        database.call({"do": "migrate"})

    assert "londo" not in str(refused.value) + "".join(capfd.readouterr())
    assert (None, True) == (refused.value.__cause__, refused.value.__suppress_context__)


def test_a_seed_that_fails(database: Postgres) -> None:
    """All of it or nothing."""
    database.call({"do": "migrate"})
    (migrate.DATABASE / "seed.sql").write_text("INSERT INTO t1 VALUES (1); SELECT 1 / 0;")

    with pytest.raises(MigrationError, match=r"^seed\.sql: DivisionByZero \(SQLSTATE 22012\)$"):
        database.call({"do": "seed"})

    assert [] == database.ask("SELECT * FROM t1")


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
        {"do": "bootstrap", "username": ["overseer"], "password": "never told"},
    ],
    ids=repr,
)
def test_what_it_does_not_know(event: dict[str, Any]) -> None:
    """Refused before anything is touched, and not quoted: it may hold a password."""
    with pytest.raises(UnknownTaskError) as refused:
        migrate.handler(event, None)

    assert "never told" not in str(refused.value)


@pytest.mark.parametrize(
    "file", sorted(Path(ROOT, "lambdas/migrate/events").iterdir()), ids=lambda file: file.stem
)
def test_events(database: Postgres, file: Path) -> None:
    """The examples are events it knows."""
    (migrate.DATABASE / "seed.sql").write_text("SELECT 1;")

    assert database.call(json.loads(file.read_text()))


def test_what_comes_along() -> None:
    """The zip has the files where the handler looks for them."""
    included = Path(ROOT, "lambdas/migrate/include.txt").read_text().split()

    assert [str(Path("backend/db"))] == included
    for name in included:
        assert Path(ROOT, name).is_dir()
    handler = Path("zip/migrate/handler.py")
    assert Path("zip") / included[0] == handler.parent.parent / "backend" / "db"
