"""The errors of invalid files, and of statements that PostgreSQL refuses."""

# ruff: noqa: S608 -- the tests build SQL from constants

from __future__ import annotations

import pytest

from migrate import handler as migrate
from migrate.errors import MigrationError
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
    ("change", "message"),
    [
        ("ADD UNIQUE (mail)", "could not create unique index"),
        ("ALTER mail TYPE integer USING mail::integer", "InvalidTextRepresentation"),
        ("ALTER mail TYPE varchar(3)", "StringDataRightTruncation"),
        ("ADD CHECK (mail = '')", "is violated by some row"),
    ],
)
def test_no_row_is_quoted(database: Postgres, capfd, change: str, message: str) -> None:
    """PostgreSQL quotes the row that violates a constraint; the error and the log do not."""
    write_migration(
        2, "CREATE TABLE t2 (mail text); INSERT INTO t2 VALUES ('londo@x'), ('londo@x');"
    )
    write_migration(3, f"ALTER TABLE t2 {change};")

    with pytest.raises(MigrationError, match=message) as refused:
        database.invoke({"do": "migrate"})

    assert "londo" not in str(refused.value) + "".join(capfd.readouterr())
    assert (refused.value.__cause__, refused.value.__suppress_context__) == (None, True)


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
def test_transaction_control_is_refused(database: Postgres, statement: str) -> None:
    """Transaction control is refused, with its line, before anything changes."""
    write_migration(
        2, f"CREATE TABLE t2 (id integer); /* ; */\n{statement};\nCREATE TABLE t9 (id integer);"
    )

    error = error_of(database)

    word = statement.split(maxsplit=1)[0]
    assert error.startswith(f"0002_t.sql: line 2: remove {word}: the migrator begins and")
    assert (tables_of_migrations(database), applied_migrations(database)) == ([], [])


def test_all_errors_are_reported_together(database: Postgres) -> None:
    """All errors of all pending files are reported before the first file is applied."""
    folder = migrate.DATABASE / "migrations"
    write_migration(1, "CREATE TABLE t1 (id integer);\nCOMMIT;\nCOPY t1 FROM stdin;")
    write_migration(2, "CREATE TABLE t2 (id integer);\n\nCRATE TABLE t3;", "DROP TABLE t2")
    write_migration(3, b"CREATE TABLE t3 (id integer);\n-- caf\xe9\n", "DRP TABLE t3;")
    write_migration(4, b"\xef\xbb\xbfSELECT 1;")
    write_migration(5, "SELECT 1;\n\0")
    write_migration(6, "-- Why:\n", "/* never ends")
    write_migration(7, "-- transactional: no\nSELECT 'never ends;")
    write_migration(8, "-- Transactional: false\nSELECT 1;\n-- transactional: false\n")
    (folder / "0009-x.sql").write_text("SELECT 1;")
    (folder / "0008_x.sql").write_text("SELECT 1;")
    (folder / "0010_x.rollback.sql").write_text("SELECT 1;")
    (folder / "folder").mkdir()
    (folder / ".DS_Store").write_text("is ignored")

    lines = error_of(database).splitlines()

    expected = [
        "0009-x.sql: is not named NNNN_name.sql or NNNN_name.rollback.sql",
        "folder: is not a file",
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
    different = [
        pair for pair in zip(lines, expected, strict=True) if not pair[0].startswith(pair[1])
    ]
    assert different == []
    assert (tables_of_migrations(database), applied_migrations(database)) == ([], [])


def test_selected_rows_are_not_shown(database: Postgres, capfd) -> None:
    """Rows that a file selects, and messages that it raises, are in no result, error or log."""
    write_migration(
        1, "CREATE TABLE t1 AS SELECT 'londo@example.com' AS mail; SELECT mail FROM t1;"
    )
    write_migration(2, f"{OUTSIDE_TRANSACTION}SELECT mail FROM t1;")
    write_migration(
        3,
        "DO $$DECLARE found text; BEGIN SELECT mail INTO found FROM t1;"
        " RAISE NOTICE 'saw %', found; RAISE WARNING 'saw %', found; END$$;",
    )
    outputs = [database.invoke({"do": "migrate"})]
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
        write_migration(number, f"DO $${code}$$;")
        outputs.append(error_of(database))
        write_migration(number, "SELECT 1;")
        database.invoke({"do": "migrate"})

    assert "londo" not in repr(outputs) + "".join(capfd.readouterr())
    assert outputs[1:] == [
        "0004_t.sql: RaiseException (SQLSTATE P0001)",
        "0005_t.sql: UniqueViolation (SQLSTATE 23505)",
        "0006_t.sql: UndefinedTable (SQLSTATE 42P01)",
        "0007_t.sql: SyntaxError (SQLSTATE 42601)",
        "0008_t.sql: InvalidTextRepresentation (SQLSTATE 22P02)",
    ]


def test_a_deferred_constraint(database: Postgres) -> None:
    """An error at COMMIT names the file, and nothing is recorded."""
    write_migration(
        2,
        "CREATE TABLE t2 (id integer PRIMARY KEY,"
        " up integer REFERENCES t2 DEFERRABLE INITIALLY DEFERRED); INSERT INTO t2 VALUES (1, 2);",
    )

    assert error_of(database).startswith('0002_t.sql: insert or update on table "t2" violates')
    assert applied_migrations(database) == ["0001_t"]


def test_too_many_statements(database: Postgres) -> None:
    """A file with more than 20,000 statements is refused: a small instance lacks the memory for it."""
    write_migration(1, "SELECT 1;" * 20_001)

    assert error_of(database).startswith("0001_t.sql: has 20001 statements, more than 20000")


def test_select_into(database: Postgres) -> None:
    """SELECT INTO is not possible in a file; the error names the alternative."""
    write_migration(2, "SELECT 2 AS id INTO t2;")

    assert error_of(database).endswith("is not implemented: write CREATE TABLE … AS SELECT")


def test_a_statement_that_cannot_run_in_a_transaction(database: Postgres) -> None:
    """The error names the directive for statements that cannot run in a transaction."""
    write_migration(2, "CREATE INDEX CONCURRENTLY i2 ON t1 (id);")

    assert error_of(database) == (
        "0002_t.sql: CREATE INDEX CONCURRENTLY cannot run inside a transaction block: move the"
        " statement to a file of its own that begins with -- transactional: false"
    )


def test_the_line_of_an_error(database: Postgres) -> None:
    """The error has the line in the file, both in a transaction and outside one."""
    write_migration(2, "SELECT 1;\n\nINSERT INTO nowhere VALUES (1);")
    inside = error_of(database)
    write_migration(2, f"{OUTSIDE_TRANSACTION}-- ü\nVACUUM (NONE) t1;")

    assert inside == '0002_t.sql: line 3: relation "nowhere" does not exist'
    assert error_of(database) == '0002_t.sql: line 3: unrecognized VACUUM option "none"'


def test_a_late_setting_of_the_transaction_needs_no_other_file(database: Postgres) -> None:
    """A late SET TRANSACTION has no hint to use a file outside of a transaction.

    PostgreSQL refuses it with the SQLSTATE of statements that need such a file.
    """
    write_migration(1, "SELECT 1; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;")

    assert error_of(database).endswith("must be called before any query")
