"""Migrations that go wrong in every way known, on a real PostgreSQL."""

# ruff: noqa: S608 -- the SQL of the tests is their own

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from migrate import clock, handler, journal, lock, runner
from migrate.errors import MigrationError
from stacks.database import APPLICATION, MIGRATOR
from tests.lambdas.migrate.migration_files import database, made, rows, tables, write
from tests.lambdas.postgres import DBNAME, Postgres

pytestmark = pytest.mark.thorough

__all__ = ["database", "made"]

ALONE = "-- transactional: false\n"
TWO_INDEXES = f"""{ALONE}
CREATE INDEX CONCURRENTLY posts_author ON posts (author);
CREATE UNIQUE INDEX CONCURRENTLY posts_text ON posts (text);
"""
DELETE_POSTS = "DELETE FROM posts;"


def refused(database: Postgres, event: str = "migrate") -> str:
    """Return the error of the *event*, which must fail."""
    with pytest.raises(MigrationError) as error:
        database.call({"do": event})
    assert error.value.__cause__ is None
    assert error.value.__context__ is None or error.value.__suppress_context__
    return str(error.value)


@pytest.fixture
def posts(database: Postgres) -> Postgres:
    """A table with two posts of the same text, made by the first migration."""
    write(
        1,
        "CREATE TABLE posts (author text, text text);"
        "INSERT INTO posts VALUES ('londo', 'Hello'), ('bayko', 'Hello');",
        "DROP TABLE posts;",
    )
    write(2)
    write(3)
    database.call({"do": "migrate"})
    return database


@pytest.fixture
def temporary(database: Postgres):
    """The right to create temporary tables, which the migrator does not have by itself."""
    with database.connect(database.master()["username"]) as master:
        master.execute(f"GRANT TEMPORARY ON DATABASE {DBNAME} TO {MIGRATOR}")
        yield
        master.execute(f"REVOKE TEMPORARY ON DATABASE {DBNAME} FROM {MIGRATOR}")


def count(database: Postgres) -> int:
    """Return the number of posts."""
    [(number,)] = database.ask("SELECT count(*) FROM posts")
    return number


def test_two_concurrent_indexes_in_one_file(posts: Postgres) -> None:
    """The file is refused before anything moves; no rollback statement runs, the posts stay."""
    write(4, TWO_INDEXES, DELETE_POSTS)

    said = refused(posts)

    assert [
        (
            "0004_t.sql: line 4: a file with -- transactional: false has one statement:"
            " move this one to a file of its own"
        ),
        "nothing was changed",
    ] == said.splitlines()
    assert 2 == count(posts)
    assert [] == posts.ask("SELECT FROM pg_indexes WHERE tablename = 'posts'")


def test_an_index_left_invalid(posts: Postgres) -> None:
    """It is reported with the command that removes it; then the file is applied.

    It is never recorded as applied, no rollback statement runs by itself, and the posts stay.
    """
    name = '"0004 The ""index"""'
    remove = f"DROP INDEX CONCURRENTLY public.{name}"
    write(4, f"{ALONE}CREATE UNIQUE INDEX CONCURRENTLY {name} ON posts (text);", DELETE_POSTS)

    first, again = refused(posts), refused(posts)
    states = posts.ask("SELECT state FROM schema_migrations WHERE name = '0004_t'")
    left = count(posts)
    posts.ask(remove)
    posts.ask("DELETE FROM posts WHERE author = 'bayko'")
    applied = posts.call({"do": "migrate"})

    invalid = f"0004_t.sql: index public.{name} is invalid: run {remove};"
    assert ['0004_t.sql: could not create unique index "0004 The ""index"""', invalid] == [
        first.splitlines()[0].replace('"0004 The "index""', name),
        first.splitlines()[1],
    ]
    assert "already exists" in again.splitlines()[0]
    assert [invalid] == again.splitlines()[1:]
    assert ([], 2) == (states, left)
    assert {"applied": ["0004_t"]} == applied


def test_an_invalid_index_that_is_skipped(posts: Postgres) -> None:
    """IF NOT EXISTS succeeds beside an invalid index of that name, and is not recorded."""
    write(4, f"{ALONE}CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i4 ON posts (text);")
    refused(posts)

    said = refused(posts)

    assert "0004_t.sql: index public.i4 is invalid: run DROP INDEX CONCURRENTLY public.i4;" == said
    assert "0004_t" not in rows(posts)


def test_the_invalid_index_of_somebody_else(posts: Postgres) -> None:
    """It stops nothing but a file that names it."""
    with pytest.raises(psycopg.errors.UniqueViolation):
        posts.ask("CREATE UNIQUE INDEX CONCURRENTLY others ON posts (text)")
    write(4, f"{ALONE}CREATE INDEX CONCURRENTLY i4 ON posts (text);")
    write(5, f"{ALONE}DROP INDEX CONCURRENTLY others;")

    assert {"applied": ["0004_t", "0005_t"]} == posts.call({"do": "migrate"})


def test_a_partition_left_half_detached(database: Postgres) -> None:
    """The other thing that PostgreSQL leaves behind is reported in the same way."""
    write(1, "CREATE TABLE t1 (id integer) PARTITION BY LIST (id);")
    write(2, "CREATE TABLE t2 PARTITION OF t1 FOR VALUES IN (2);")
    database.call({"do": "migrate"})
    write(4, f"{ALONE}ALTER TABLE t1 DETACH PARTITION t2 CONCURRENTLY;", "SELECT 1;")
    with pytest.MonkeyPatch.context() as patch, database.connect(MIGRATOR) as other:
        patch.setitem(runner.SETTINGS, "lock_timeout", "200ms")
        other.execute("BEGIN; SELECT FROM t1")

        said = refused(database)
        other.execute("ROLLBACK")

    command = "ALTER TABLE t1 DETACH PARTITION t2 FINALIZE"
    assert [
        "0004_t.sql: canceling statement due to lock timeout",
        f"0004_t.sql: partition t2 is half detached: run {command};",
    ] == said.splitlines()
    database.ask(command)


def test_a_rollback_outside_a_transaction(posts: Postgres) -> None:
    """Each file has a directive of its own; a rollback that fails leaves the row."""
    write(4, f"{ALONE}CREATE INDEX CONCURRENTLY i4 ON posts (text);", f"{ALONE}DROP INDEX no;")
    posts.call({"do": "migrate"})

    said = refused(posts, "rollback")
    left = rows(posts)[-1]
    write(4, f"{ALONE}CREATE INDEX CONCURRENTLY i4 ON posts (text);", f"{ALONE}DROP INDEX i4;")

    assert '0004_t.rollback.sql: index "no" does not exist' == said
    assert "0004_t" == left
    assert {"rolled_back": ["0004_t"]} == posts.call({"do": "rollback"})


@pytest.mark.parametrize("event", ["migrate", "rollback"])
def test_interrupted_outside_a_transaction(posts: Postgres, monkeypatch, event: str) -> None:
    """A statement with an unknown outcome is not sent again: the error tells how to check it."""
    write(4, f"{ALONE}CREATE INDEX CONCURRENTLY i4 ON posts (text);", f"{ALONE}DROP INDEX i4;")
    if event == "rollback":
        posts.call({"do": "migrate"})
    with monkeypatch.context() as patch:
        patch.setattr(runner, "_alone", _end)
        with pytest.raises(KeyboardInterrupt):
            posts.call({"do": event})

    said = refused(posts)
    interrupted = posts.call({"do": "status"})["interrupted"]
    statement = said.partition("if not: ")[2].partition(";")[0]
    posts.ask(statement)

    assert ["0004_t"] == interrupted
    assert said.startswith(f"0004_t.{'rollback.' * (event == 'rollback')}sql: the run that sent it")
    assert posts.call({"do": event}) in ({"applied": ["0004_t"]}, {"rolled_back": ["0004_t"]})


def _end(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "statement",
    [
        "BEGIN",
        "START TRANSACTION",
        "COMMIT",
        "COMMIT AND CHAIN",
        "END",
        "ROLLBACK",
        "ABORT",
        "SAVEPOINT a",
        "RELEASE a",
        "ROLLBACK TO a",
        "PREPARE TRANSACTION 'a'",
        "COMMIT PREPARED 'a'",
        "ROLLBACK PREPARED 'a'",
    ],
)
def test_transaction_control(database: Postgres, statement: str) -> None:
    """It is refused with its line before anything moves."""
    write(2, f"CREATE TABLE t2 (id integer); /* ; */\n{statement};\nCREATE TABLE t9 (id integer);")

    said = refused(database)

    word = statement.split(maxsplit=1)[0]
    assert said.startswith(f"0002_t.sql: line 2: remove {word}: a file is applied in one trans")
    assert ([], []) == (tables(database), rows(database))


@pytest.mark.parametrize(
    "hidden",
    [
        "DO $$BEGIN COMMIT; END$$",
        "CREATE PROCEDURE p2() LANGUAGE plpgsql AS 'BEGIN ROLLBACK; END'; CALL p2()",
        "DO $$BEGIN EXECUTE 'COMMIT'; END$$",
    ],
)
def test_hidden_transaction_control(database: Postgres, hidden: str) -> None:
    """PostgreSQL itself refuses what a body of code would end; nothing of the file is kept."""
    write(2, f"CREATE TABLE t2 (id integer); {hidden}; CREATE TABLE t9 (id integer);")

    assert refused(database).startswith("0002_t.sql: ")

    assert (["t1"], ["0001_t"]) == (tables(database), rows(database))


def test_postgresql_refuses_what_the_lexer_misses(database: Postgres, monkeypatch) -> None:
    """The check of the text is for an early answer; the transaction does not depend on it."""
    monkeypatch.setattr("migrate.script._controls_transaction", lambda _: False)
    write(2, "CREATE TABLE t2 (id integer); COMMIT; CREATE TABLE t9 (id integer);")

    said = refused(database)

    assert "0002_t.sql: EXECUTE of transaction commands is not implemented: a file is app" in said
    assert (["t1"], ["0001_t"]) == (tables(database), rows(database))


def test_all_faults_at_once(database: Postgres) -> None:
    """Every fault of every pending file is named before the first is applied."""
    folder = handler.DATABASE / "migrations"
    write(1, "CREATE TABLE t1 (id integer);\nCOMMIT;\nCOPY t1 FROM stdin;")
    write(2, "CREATE TABLE t2 (id integer);\n\nCRATE TABLE t3;", "DROP TABLE t2")
    write(3, b"CREATE TABLE t3 (id integer);\n-- caf\xe9\n", "DRP TABLE t3;")
    write(4, b"\xef\xbb\xbfSELECT 1;")
    write(5, "SELECT 1;\n\0")
    write(6, "-- Why:\n", "/* never ends")
    write(7, "-- transactional: no\nSELECT 'never ends;")
    write(8, "-- Transactional: false\nSELECT 1;\n-- transactional: false\n")
    (folder / "0009-x.sql").write_text("SELECT 1;")
    (folder / "0008_x.sql").write_text("SELECT 1;")
    (folder / "0010_x.rollback.sql").write_text("SELECT 1;")
    (folder / "folder").mkdir()
    (folder / ".DS_Store").write_text("is not looked at")

    said = refused(database).splitlines()

    expected = [
        "0009-x.sql: is not named NNNN_name.sql or NNNN_name.rollback.sql",
        "folder: is not named NNNN_name.sql or NNNN_name.rollback.sql",
        "0010_x.rollback.sql: has no 0010_x.sql to undo",
        "0008_t.sql, 0008_x.sql: have the same number: rename all but one",
        "0001_t.sql: line 2: remove COMMIT",
        "0001_t.sql: line 3: COPY needs a client that sends or receives rows",
        "0003_t.sql: line 2: is not UTF-8",
        "0004_t.sql: begins with a byte order mark",
        "0005_t.sql: line 2: has a NUL character",
        "0006_t.sql: has no statement",
        "0006_t.rollback.sql: line 1: the comment that begins with /* has no end",
        "0007_t.sql: line 2: the string has no end",
        "0008_t.sql: line 1: is not a directive",
        "0008_t.sql: line 3: move the directive above the first statement",
        "0008_t.sql: line 3: remove the second directive",
        '0002_t.sql: line 3: syntax error at or near "CRATE"',
        '0003_t.rollback.sql: line 1: syntax error at or near "DRP"',
        "nothing was changed",
    ]
    wrong = [pair for pair in zip(said, expected, strict=True) if not pair[0].startswith(pair[1])]
    assert [] == wrong
    assert ([], []) == (tables(database), rows(database))


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
def test_what_a_splitter_would_break(database: Postgres, value: str, stored: str) -> None:
    """Strings, comments, operators and quotes arrive as they are in the file."""
    write(2, f"CREATE TABLE t2 AS SELECT {value} AS x;\nINSERT INTO t2 SELECT * FROM t2;")

    database.call({"do": "migrate"})

    assert [(stored,), (stored,)] == database.ask("SELECT x::text FROM t2")


def test_a_function_with_an_sql_body(database: Postgres) -> None:
    """The semicolons and the END of BEGIN ATOMIC end neither a statement nor a transaction."""
    write(
        2,
        "CREATE TABLE t2 (id integer);\n"
        "CREATE FUNCTION f2(n integer) RETURNS integer LANGUAGE sql\n"
        "BEGIN ATOMIC\n  SELECT 1;\n  SELECT CASE WHEN n > 0 THEN n ELSE 0 END;\nEND;\n"
        "INSERT INTO t2 SELECT f2(7);",
        "DROP FUNCTION f2; DROP TABLE t2;",
    )

    database.call({"do": "migrate"})

    assert [(7,)] == database.ask("SELECT id FROM t2")
    database.call({"do": "rollback", "steps": 2})


def test_rows_are_not_shown(database: Postgres, capfd) -> None:
    """Rows that a file selects, and messages it raises, are in no result, error or log."""
    write(1, "CREATE TABLE t1 AS SELECT 'londo@example.com' AS mail; SELECT mail FROM t1;")
    write(2, f"{ALONE}SELECT mail FROM t1;")
    write(
        3,
        "DO $$DECLARE found text; BEGIN SELECT mail INTO found FROM t1;"
        " RAISE NOTICE 'saw %', found; RAISE WARNING 'saw %', found; END$$;",
    )
    done = [database.call({"do": "migrate"})]
    for number, statement in enumerate(
        (
            "RAISE 'saw %', found",
            "RAISE 'saw %', found USING ERRCODE = '23505'",
            "EXECUTE 'DROP TABLE \"' || found || '\"'",
            "EXECUTE found",
            "PERFORM found::integer",
        ),
        start=4,
    ):
        code = f"DECLARE found text; BEGIN SELECT mail INTO found FROM t1; {statement}; END"
        write(number, f"DO $${code}$$;")
        done.append(refused(database))
        write(number, "SELECT 1;")
        database.call({"do": "migrate"})

    assert "londo" not in repr(done) + "".join(capfd.readouterr())
    assert [
        "0004_t.sql: RaiseException (SQLSTATE P0001)",
        "0005_t.sql: UniqueViolation (SQLSTATE 23505)",
        "0006_t.sql: UndefinedTable (SQLSTATE 42P01)",
        "0007_t.sql: SyntaxError (SQLSTATE 42601)",
        "0008_t.sql: InvalidTextRepresentation (SQLSTATE 22P02)",
    ] == done[1:]


def test_no_row_reaches_the_function(database: Postgres, monkeypatch) -> None:
    """PostgreSQL keeps what a file selects to itself."""
    results: list[object] = []
    execute = psycopg.Connection.execute

    def watched(self, query, params=None, **how):
        cursor = execute(self, query, params, **how)
        if "EXECUTE" in query and cursor.pgresult:
            results.append(cursor.pgresult.ntuples)
        return cursor

    write(1, "SELECT generate_series(1, 1000);")
    monkeypatch.setattr(psycopg.Connection, "execute", watched)

    database.call({"do": "migrate"})

    assert {0} == set(results)


@pytest.mark.usefixtures("temporary")
def test_settings_end_with_the_file(database: Postgres) -> None:
    """Nothing that a session keeps is there in the next file, and the journal is not redirected."""
    write(
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
    write(
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

    database.call({"do": "migrate"})

    assert [("public none on", "C:\\", 0, 0, None)] == database.ask("SELECT * FROM t2")
    assert ["0001_t", "0002_t", "0003_t"] == rows(database)
    _wait(lambda: not database.ask("SELECT FROM pg_locks WHERE locktype = 'advisory'"))


@pytest.mark.usefixtures("temporary")
def test_a_shadowed_journal(database: Postgres) -> None:
    """A table of its name, in front of it in the search_path, is not written."""
    name = "schema_' || 'migrations"
    write(
        1,
        f"DO $$BEGIN EXECUTE 'CREATE TEMPORARY TABLE {name} (LIKE public.{name})'; END$$;"
        "SET search_path = pg_temp, public; CREATE TABLE public.t1 (id integer);",
    )

    database.call({"do": "migrate"})

    assert ["0001_t", "0002_t", "0003_t"] == rows(database)


def test_a_file_that_ends_as_another_role(database: Postgres) -> None:
    """The row is written before the file can give its rights away."""
    master = database.master()["username"]
    with database.connect(master) as connection:
        connection.execute(f"GRANT {APPLICATION} TO {MIGRATOR}")
    try:
        write(1, f"CREATE TABLE t1 (id integer); SET ROLE {APPLICATION};")

        assert 3 == len(database.call({"do": "migrate"})["applied"])
    finally:
        with database.connect(master) as connection:
            connection.execute(f"REVOKE {APPLICATION} FROM {MIGRATOR}")


def test_the_journal_is_off_limits(database: Postgres) -> None:
    """A file that names the journal is refused."""
    write(2, "DROP TABLE schema_migrations;")

    assert refused(database).startswith("0002_t.sql: names schema_migrations, the journal")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "DO $$BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); END$$",
    ],
)
def test_a_killed_connection(database: Postgres, statement: str) -> None:
    """The error names the file; what came before stays, of the file there is nothing."""
    write(2, f"CREATE TABLE t2 (id integer); {statement}; CREATE TABLE t9 (id integer);")

    said = refused(database)

    assert said.startswith("0002_t.sql: ")
    assert "\n" not in said
    assert (["t1"], ["0001_t"]) == (tables(database), rows(database))
    write(2)
    assert {"applied": ["0002_t", "0003_t"]} == database.call({"do": "migrate"})


def test_a_killed_connection_outside_a_transaction(database: Postgres) -> None:
    """The outcome is unknown, and the next run reports that."""
    write(2, f"{ALONE}SELECT pg_terminate_backend(pg_backend_pid());")

    said, again = refused(database), refused(database)

    assert said.endswith(": run ./inv db.migrate again: it reports what to do")
    assert again.startswith("0002_t.sql: the run that sent it was interrupted")


def test_a_killed_lock(database: Postgres) -> None:
    """A run that lost its lock stops before the next file."""
    write(
        2,
        "SELECT pg_terminate_backend(pid) FROM pg_locks"
        f" WHERE locktype = 'advisory' AND objid = {lock.LOCK}; SELECT pg_sleep(0.2);",
    )

    assert refused(database).startswith("the connection that holds the lock was lost")
    assert ["0001_t", "0002_t"] == rows(database)


def test_a_killed_lock_outside_a_transaction(database: Postgres) -> None:
    """A statement that took effect but was not recorded is not run again automatically."""
    kill = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks"
        f" WHERE locktype = 'advisory' AND objid = {lock.LOCK};"
    )
    write(2, f"{ALONE}{kill}")

    said, again = refused(database), refused(database)

    assert said.startswith(
        "the connection that holds the lock was lost: run ./inv db.migrate again"
    )
    assert again.startswith("0002_t.sql: the run that sent it was interrupted")


def test_the_holder_of_the_lock_dies(database: Postgres) -> None:
    """A run that waits for another goes on when the connection of the other is lost."""
    with database.connect(MIGRATOR) as other:
        other.execute(f"SELECT pg_advisory_lock({lock.LOCK})")
        killing = threading.Timer(
            1, database.ask, ["SELECT pg_terminate_backend(%s)", other.info.backend_pid]
        )
        killing.start()

        assert 3 == len(database.call({"do": "migrate"})["applied"])
        killing.join()


def test_two_runs_without_a_lock(database: Postgres, monkeypatch) -> None:
    """Even then a file is applied once: the second run waits for the row of the first."""
    monkeypatch.setattr(lock, "_taken", lambda _: True)
    write(1, "SELECT pg_sleep(0.5); CREATE TABLE t1 (id integer);")
    with database.connect(MIGRATOR) as connection:
        journal.create(connection)
    for name, value in database.environment(MIGRATOR).items():
        monkeypatch.setenv(name, value)
    gate = threading.Barrier(2)

    def call() -> object:
        gate.wait()
        try:
            return handler.handler({"do": "migrate"}, None)
        except MigrationError as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        ended = [call.result() for call in [pool.submit(call) for _ in range(2)]]

    assert {"applied": ["0001_t", "0002_t", "0003_t"]} in ended
    assert "0001_t.sql: another run is applying it: run ./inv db.status" in ended
    assert ["t1", "t2", "t3"] == tables(database)


def test_a_deferred_constraint(database: Postgres) -> None:
    """An error at COMMIT names the file, and nothing is recorded."""
    write(
        2,
        "CREATE TABLE t2 (id integer PRIMARY KEY,"
        " up integer REFERENCES t2 DEFERRABLE INITIALLY DEFERRED); INSERT INTO t2 VALUES (1, 2);",
    )

    assert refused(database).startswith('0002_t.sql: insert or update on table "t2" violates')
    assert ["0001_t"] == rows(database)


def test_a_changed_file(database: Postgres) -> None:
    """It is noticed before anything moves, with or without something to apply."""
    database.call({"do": "migrate"})
    write(2, "CREATE TABLE t2 (id bigint);")

    said = [refused(database), refused(database, "rollback")]
    write(4)
    said.append(refused(database))

    assert 3 * ["0002_t.sql: was changed after it was applied"] == [
        line.partition(": restore")[0] for line in said
    ]
    assert ["0002_t"] == database.call({"do": "status"})["changed"]
    assert ["t1", "t2", "t3"] == tables(database)


def test_another_checkout(database: Postgres) -> None:
    """The ends of lines, which git may change, do not count."""
    write(1, "CREATE TABLE t1 (\n id integer\n);")
    database.call({"do": "migrate"})
    write(1, "CREATE TABLE t1 (\r\n id integer\r\n);")

    assert {"applied": []} == database.call({"do": "migrate"})


def test_many_statements(database: Postgres) -> None:
    """20,000 statements are applied, well within the time of the function."""
    lines = "\n".join(f"INSERT INTO t1 VALUES ({number});" for number in range(20_000 - 1))
    write(1, f"CREATE TABLE t1 (id integer);\n{lines}")
    begun = time.monotonic()

    database.call({"do": "migrate"})

    assert time.monotonic() - begun < 60
    assert [(19_999,)] == database.ask("SELECT count(*) FROM t1")


def test_too_many_statements(database: Postgres) -> None:
    """More would take the memory of a small instance."""
    write(1, "SELECT 1;" * 20_001)

    assert refused(database).startswith("0001_t.sql: has 20001 statements, more than 20000")


def test_no_time_left(database: Postgres, monkeypatch) -> None:
    """A file that the function could not finish is not begun, and one that takes long ends."""
    write(2, "SELECT pg_sleep(30);")
    monkeypatch.setattr(clock, "SPARE_SECONDS", 0)

    class Context:
        """A Lambda context."""

        def get_remaining_time_in_millis(self) -> int:
            return 2500

    with pytest.MonkeyPatch.context() as patch:
        for name, value in database.environment(MIGRATOR).items():
            patch.setenv(name, value)
        with pytest.raises(MigrationError) as cancelled:
            handler.handler({"do": "migrate"}, Context())
        monkeypatch.setattr(clock, "SPARE_SECONDS", 9)
        with pytest.raises(MigrationError) as late:
            handler.handler({"do": "migrate"}, Context())

    assert "0002_t.sql: canceling statement due to statement timeout" == str(cancelled.value)
    assert str(late.value).startswith("0002_t.sql: was not started: the function has no time left")
    assert ["0001_t"] == rows(database)


def test_the_function_ends_first(database: Postgres) -> None:
    """PostgreSQL ends what a function left running, and with it the transaction."""
    write(2, "CREATE TABLE t2 (id integer); SELECT pg_sleep(60);")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in database.environment(MIGRATOR).items():
            patch.setenv(name, value)
        opened: list[psycopg.Connection] = []
        connect = runner.database.connect

        def kept(**settings: str) -> psycopg.Connection:
            opened.append(connect(**settings))
            return opened[-1]

        patch.setattr(runner.database, "connect", kept)
        running = threading.Thread(target=_migrate)
        running.start()
        sleeping = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        _wait(lambda: database.ask(sleeping))
        for connection in opened:
            if not connection.closed:
                _cut(connection)
        running.join()

    _wait(lambda: not database.ask(sleeping))
    write(2)
    assert {"applied": ["0002_t", "0003_t"]} == database.call({"do": "migrate"})


def _migrate() -> None:
    """Call the function, whose connections the test closes."""
    with pytest.raises((MigrationError, psycopg.Error)):
        handler.handler({"do": "migrate"}, None)


def _cut(connection: psycopg.Connection) -> None:
    """Close the socket under a connection, as the end of its process would."""
    with socket.socket(fileno=connection.pgconn.socket) as under:
        under.shutdown(socket.SHUT_RDWR)
        under.detach()


def _wait(until) -> None:
    deadline = time.monotonic() + 20
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_journal_of_an_earlier_version(database: Postgres) -> None:
    """For a local database that an earlier version migrated, the error has the commands to run."""
    database.ask("CREATE TABLE _yoyo_migration (id integer)")

    for event in ("migrate", "rollback", "status"):
        assert "run ./inv emulator.reset" in refused(database, event)


def test_a_journal_of_another_program(database: Postgres) -> None:
    """A table of that name which is not this journal is left alone."""
    database.ask("CREATE TABLE schema_migrations (version text)")

    assert refused(database).startswith("public.schema_migrations: is not the journal")


def test_select_into(database: Postgres) -> None:
    """The one statement that a file cannot end with has another spelling, which the error names."""
    write(2, "SELECT 2 AS id INTO t2;")

    assert refused(database).endswith("is not implemented: write CREATE TABLE … AS SELECT")


def test_a_statement_that_needs_no_transaction(database: Postgres) -> None:
    """The error of a statement that needs no transaction names the directive."""
    write(2, "CREATE INDEX CONCURRENTLY i2 ON t1 (id);")

    assert (
        "0002_t.sql: CREATE INDEX CONCURRENTLY cannot run inside a transaction block: move the"
        " statement to a file of its own that begins with -- transactional: false"
    ) == refused(database)


def test_the_line_of_an_error(database: Postgres) -> None:
    """It is the line of the file, in and outside a transaction."""
    write(2, "SELECT 1;\n\nINSERT INTO nowhere VALUES (1);")
    inside = refused(database)
    write(2, f"{ALONE}-- ü\nVACUUM (NONE) t1;")

    assert '0002_t.sql: line 3: relation "nowhere" does not exist' == inside
    assert '0002_t.sql: line 3: unrecognized VACUUM option "none"' == refused(database)
