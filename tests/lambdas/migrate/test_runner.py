"""Files in one transaction each: failures, session state and time limits, on a real PostgreSQL."""

# ruff: noqa: S608 -- the tests build SQL from constants

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import psycopg
import pytest

from migrate import handler as migrate
from migrate import runner, time_limit
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


@pytest.mark.parametrize(
    "failing",
    [
        "CREATE TABLE t2 (id integer); SELECT 1 / 0;",
        "CREATE TABLE t2 (id integer); CREATE TABLE t1 (id integer);",
        "CREATE TABLE t2 (id integer); INSERT INTO t2 SELECT * FROM nowhere;",
    ],
)
def test_a_failed_file_is_not_applied(database: Postgres, failing: str) -> None:
    """Earlier files stay applied, the failed one leaves nothing, and later ones stay pending.

    The original recorded a failed file as applied (defect 130).
    """
    write_migration(2, failing)

    with pytest.raises(MigrationError, match=r"^0002_t\.sql: "):
        database.invoke({"do": "migrate"})

    assert (tables_of_migrations(database), applied_migrations(database)) == (["t1"], ["0001_t"])
    write_migration(2)
    assert database.invoke({"do": "migrate"}) == {"applied": ["0002_t", "0003_t"]}


def test_a_failed_rollback_changes_nothing(database: Postgres) -> None:
    """If a rollback fails, its migration stays applied."""
    write_migration(3, rollback="DROP TABLE t3; DROP TABLE nowhere;")
    database.invoke({"do": "migrate"})

    with pytest.raises(
        MigrationError, match=r"^0003_t\.rollback\.sql: table \"nowhere\" does not exist"
    ):
        database.invoke({"do": "rollback"})

    assert (
        tables_of_migrations(database),
        len(applied_migrations(database)),
    ) == (["t1", "t2", "t3"], 3)


def test_sql_is_executed_unchanged(database: Postgres) -> None:
    """Function bodies, percent signs, comments, dollar quotes and UTF-8 reach PostgreSQL intact."""
    write_migration(
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

    database.invoke({"do": "migrate"})

    assert database.query("SELECT * FROM t1") == [(1, "100 %s; ü")]
    database.invoke({"do": "rollback", "steps": 3})
    assert database.query("SELECT FROM pg_proc WHERE proname = 'f1'") == []


def test_a_locked_table(database: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement stops waiting for a lock on a table, since later queries would wait with it."""
    database.invoke({"do": "migrate"})
    write_migration(4, "ALTER TABLE t1 ADD COLUMN more text;", "ALTER TABLE t1 DROP COLUMN more;")
    monkeypatch.setitem(runner.SETTINGS, "lock_timeout", "200ms")
    with database.connect(MIGRATOR) as other, other.transaction():
        other.execute("LOCK TABLE t1 IN ACCESS SHARE MODE")

        with pytest.raises(
            MigrationError, match=r"0004_t\.sql: canceling statement due to lock timeout"
        ):
            database.invoke({"do": "migrate"})


@pytest.mark.parametrize(
    "hidden",
    [
        "DO $$BEGIN COMMIT; END$$",
        "CREATE PROCEDURE p2() LANGUAGE plpgsql AS 'BEGIN ROLLBACK; END'; CALL p2()",
        "DO $$BEGIN EXECUTE 'COMMIT'; END$$",
    ],
)
def test_hidden_transaction_control(database: Postgres, hidden: str) -> None:
    """PostgreSQL refuses transaction control inside of code; the file leaves nothing."""
    write_migration(2, f"CREATE TABLE t2 (id integer); {hidden}; CREATE TABLE t9 (id integer);")

    assert error_of(database).startswith("0002_t.sql: ")

    assert (tables_of_migrations(database), applied_migrations(database)) == (["t1"], ["0001_t"])


def test_postgresql_refuses_what_the_lexer_misses(database: Postgres, monkeypatch) -> None:
    """The transaction is safe even if the check of the text misses a COMMIT."""
    monkeypatch.setattr("migrate.script._controls_transaction", lambda _: False)
    write_migration(2, "CREATE TABLE t2 (id integer); COMMIT; CREATE TABLE t9 (id integer);")

    error = error_of(database)

    assert "0002_t.sql: EXECUTE of transaction commands is not implemented: the migrator" in error
    assert (tables_of_migrations(database), applied_migrations(database)) == (["t1"], ["0001_t"])


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (r"'C:\'", "C:\\"),
        (r"E'it\'s; --'" + "\n'x'", "it's; --x"),
        (r"E'a' -- '" + "\n" + r"  '\'; b'", "a'; b"),
        ("/* a /* nested; ' */ comment */ 'x; ''y'", "x; 'y"),
        ("(jsonb '{\"a\": {\"b\": 1}}' #>> '{a,b}')", "1"),
        ("$tag$it's; $$ $other$;$tag$", "it's; $$ $other$;"),
        ('(SELECT "a;""b\'" FROM (SELECT \'q\' AS "a;""b\'") AS s)', "q"),
        ("5 # 3 -- ' ;\n", "6"),
        ("'a\r\nb'", "a\nb"),
    ],
)
def test_values_reach_postgresql_unchanged(database: Postgres, value: str, stored: str) -> None:
    """Strings, comments, operators and quotes are executed as they are in the file."""
    write_migration(2, f"CREATE TABLE t2 AS SELECT {value} AS x;\nINSERT INTO t2 SELECT * FROM t2;")

    database.invoke({"do": "migrate"})

    assert [(stored,), (stored,)] == database.query("SELECT x::text FROM t2")


def test_a_function_with_an_sql_body(database: Postgres) -> None:
    """In BEGIN ATOMIC … END, neither a semicolon nor END ends a statement or a transaction."""
    write_migration(
        2,
        "CREATE TABLE t2 (id integer);\n"
        "CREATE FUNCTION f2(n integer) RETURNS integer LANGUAGE sql\n"
        "BEGIN ATOMIC\n  SELECT 1 AS end, 2 AS case, t.end FROM (SELECT 1 AS end) AS t;\n"
        "  SELECT CASE WHEN n > 0 THEN n ELSE 0 END;\nEND;\n"
        "INSERT INTO t2 SELECT f2(7);",
        "DROP FUNCTION f2; DROP TABLE t2;",
    )

    database.invoke({"do": "migrate"})

    assert database.query("SELECT id FROM t2") == [(7,)]
    database.invoke({"do": "rollback", "steps": 2})


@pytest.mark.parametrize(
    "statement",
    [
        "DROP OWNED BY CURRENT_USER",
        """DO $$BEGIN EXECUTE (
            SELECT 'TRUNCATE ' || string_agg(tablename, ', ') FROM pg_tables
            WHERE schemaname = 'public'
        ); END$$""",
    ],
)
def test_a_file_that_changes_the_journal(database: Postgres, statement: str) -> None:
    """A file that changes the journal is rolled back; applied files could be applied again."""
    write_migration(2, f"CREATE TABLE t2 (id integer); {statement};")

    error = error_of(database)

    assert error == (
        "0002_t.sql: changes public.schema_migrations, the journal of migrations:"
        " name the tables to drop or empty"
    )
    assert (tables_of_migrations(database), applied_migrations(database)) == (["t1"], ["0001_t"])


def test_a_file_without_a_transaction_that_drops_the_journal(database: Postgres) -> None:
    """The error names the file, whose row no longer exists."""
    write_migration(2, f"{OUTSIDE_TRANSACTION}DROP OWNED BY CURRENT_USER;")

    assert error_of(database) == (
        "0002_t: its row in public.schema_migrations was removed by another program"
    )


def test_no_row_reaches_the_function(database: Postgres, monkeypatch) -> None:
    """PostgreSQL does not send the selected rows to the function."""
    results: list[object] = []
    execute = psycopg.Connection.execute

    def watched(self, query, params=None, **options):
        cursor = execute(self, query, params, **options)
        if "EXECUTE" in query and cursor.pgresult:
            results.append(cursor.pgresult.ntuples)
        return cursor

    write_migration(1, "SELECT generate_series(1, 1000);")
    monkeypatch.setattr(psycopg.Connection, "execute", watched)

    database.invoke({"do": "migrate"})

    assert set(results) == {0}


@pytest.mark.usefixtures("temporary_tables")
def test_session_state_ends_with_the_file(database: Postgres) -> None:
    """No session state of a file affects the next file or the journal."""
    write_migration(
        1,
        f"""
        CREATE TABLE t1 (id integer);
        CREATE TEMPORARY TABLE t1_shadow ON COMMIT PRESERVE ROWS AS SELECT 1;
        PREPARE kept AS SELECT 1;
        LISTEN kept;
        SELECT pg_advisory_unlock_all();
        SELECT pg_advisory_lock(4711);
        SET search_path = pg_temp;
        SET statement_timeout = 0;
        SET standard_conforming_strings = off;
        SET default_transaction_read_only = on;
        SET ROLE {MIGRATOR};
        """,
    )
    write_migration(
        2,
        r"""
        CREATE TABLE t2 AS SELECT
            current_setting('search_path') || ' ' || current_setting('role') || ' '
            || current_setting('standard_conforming_strings') AS settings,
            'C:\' AS path,
            (SELECT count(*) FROM pg_prepared_statements) AS prepared,
            (SELECT count(*) FROM pg_listening_channels()) AS channels,
            to_regclass('pg_temp.t1_shadow') AS temporary;
        """,
    )

    database.invoke({"do": "migrate"})

    assert database.query("SELECT * FROM t2") == [("public none on", "C:\\", 0, 0, None)]
    assert applied_migrations(database) == ["0001_t", "0002_t", "0003_t"]
    _wait_until(lambda: not database.query("SELECT FROM pg_locks WHERE locktype = 'advisory'"))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "DO $$BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); END$$",
    ],
)
def test_a_lost_connection(database: Postgres, statement: str) -> None:
    """The error names the file; earlier files stay applied, and the file leaves nothing."""
    write_migration(2, f"CREATE TABLE t2 (id integer); {statement}; CREATE TABLE t9 (id integer);")

    error = error_of(database)

    assert error.startswith("0002_t.sql: ")
    assert "\n" not in error
    assert (tables_of_migrations(database), applied_migrations(database)) == (["t1"], ["0001_t"])
    write_migration(2)
    assert database.invoke({"do": "migrate"}) == {"applied": ["0002_t", "0003_t"]}


def test_many_statements(database: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """20,000 statements are applied with as few requests to PostgreSQL as one."""
    lines = "\n".join(f"INSERT INTO t1 VALUES ({number});" for number in range(20_000 - 1))
    write_migration(1, f"CREATE TABLE t1 (id integer);\n{lines}")
    requests: list[object] = []
    execute = psycopg.Connection.execute

    def recorded(connection: psycopg.Connection, query: str, *arguments: Any, **options: Any):
        requests.append(query)
        return execute(connection, query, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Connection, "execute", recorded)
        database.invoke({"do": "migrate"})

    assert len(requests) < 100
    assert database.query("SELECT count(*) FROM t1") == [(19_999,)]


def test_no_time_left(database: Postgres, monkeypatch) -> None:
    """A file that takes too long is cancelled, and a file without enough time is not started."""
    write_migration(2, "SELECT pg_sleep(30);")
    monkeypatch.setattr(time_limit, "SPARE_SECONDS", 0)

    class Context:
        """A Lambda context."""

        def get_remaining_time_in_millis(self) -> int:
            return 2500

    with pytest.MonkeyPatch.context() as patch:
        for name, value in database.environment(MIGRATOR).items():
            patch.setenv(name, value)
        with pytest.raises(MigrationError) as cancelled:
            migrate.handler({"do": "migrate"}, Context())
        monkeypatch.setattr(time_limit, "SPARE_SECONDS", 9)
        with pytest.raises(MigrationError) as late:
            migrate.handler({"do": "migrate"}, Context())

    assert str(cancelled.value) == "0002_t.sql: canceling statement due to statement timeout"
    assert str(late.value).startswith("0002_t.sql: was not started: the function has no time left")
    assert applied_migrations(database) == ["0001_t"]


def test_the_function_ends_before_its_statement(database: Postgres) -> None:
    """PostgreSQL cancels the statement of a function that has ended, and rolls it back."""
    write_migration(2, "CREATE TABLE t2 (id integer); SELECT pg_sleep(60);")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in database.environment(MIGRATOR).items():
            patch.setenv(name, value)
        opened: list[psycopg.Connection] = []
        connect = runner.database.connect

        def recorded(**settings: str) -> psycopg.Connection:
            opened.append(connect(**settings))
            return opened[-1]

        patch.setattr(runner.database, "connect", recorded)
        running = threading.Thread(target=_migrate_with_lost_connections)
        running.start()
        sleeping = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        _wait_until(lambda: database.query(sleeping))
        for connection in opened:
            if not connection.closed:
                _disconnect(connection)
        running.join()

    _wait_until(lambda: not database.query(sleeping))
    write_migration(2)
    assert database.invoke({"do": "migrate"}) == {"applied": ["0002_t", "0003_t"]}


def _migrate_with_lost_connections() -> None:
    """Invoke the function; the test closes its connections."""
    with pytest.raises((MigrationError, psycopg.Error)):
        migrate.handler({"do": "migrate"}, None)


def _disconnect(connection: psycopg.Connection) -> None:
    """Close the socket under a connection, as the end of its process would."""
    with socket.socket(fileno=connection.pgconn.socket) as connected:
        connected.shutdown(socket.SHUT_RDWR)
        connected.detach()


def _wait_until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
