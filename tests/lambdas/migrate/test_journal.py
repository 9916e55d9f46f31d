"""The journal, and files that differ from it, on a real PostgreSQL."""

from __future__ import annotations

import pytest

from migrate import handler as migrate
from migrate.errors import MigrationError
from stacks.database import APPLICATION, MIGRATOR
from tests.lambdas.migrate.migration_files import (
    applied_migrations,
    error_of,
    remove_migration,
    tables_of_migrations,
    write_migration,
)
from tests.lambdas.postgres import Postgres

pytestmark = pytest.mark.thorough


def test_rollback_needs_every_rollback_file(database: Postgres) -> None:
    """The error names a missing rollback file, and no other migration is rolled back either."""
    write_migration(2, rollback=None)
    (migrate.DATABASE / "migrations" / "0002_t.rollback.sql").unlink()
    database.invoke({"do": "migrate"})

    with pytest.raises(MigrationError, match=r"^0002_t\.rollback\.sql: is missing"):
        database.invoke({"do": "rollback", "steps": 2})

    assert 3 == len(tables_of_migrations(database)) == len(applied_migrations(database))


def test_a_missing_file_is_an_error(database: Postgres) -> None:
    """If an applied file is missing, nothing more is applied or rolled back."""
    database.invoke({"do": "migrate"})
    remove_migration(2)

    assert database.invoke({"do": "status"})["missing"] == ["0002_t"]
    assert database.invoke({"do": "migrate"}) == {"applied": []}
    write_migration(4)
    for event in ({"do": "migrate"}, {"do": "rollback"}):
        with pytest.raises(MigrationError, match=r"^0002_t\.sql: is missing, but was applied"):
            database.invoke(event)
    assert tables_of_migrations(database) == ["t1", "t2", "t3"]


def test_a_file_with_a_lower_number_is_applied(database: Postgres) -> None:
    """A file from a branch that was merged late is applied and reported.

    The original skipped files that sort before the last applied one (defect 127).
    """
    remove_migration(2)
    database.invoke({"do": "migrate"})
    write_migration(2)

    done = database.invoke({"do": "migrate"})

    assert done == {"applied": ["0002_t"], "out_of_order": ["0002_t"]}


def test_rollback_follows_the_journal(database: Postgres) -> None:
    """The migration that was applied last is rolled back first, whatever its number."""
    remove_migration(2)
    database.invoke({"do": "migrate"})
    write_migration(2)
    database.invoke({"do": "migrate"})

    assert applied_migrations(database) == ["0001_t", "0003_t", "0002_t"]
    assert database.invoke({"do": "rollback", "steps": 2}) == {"rolled_back": ["0002_t", "0003_t"]}
    assert tables_of_migrations(database) == ["t1"]


def test_rollback_of_expected_migrations(database: Postgres) -> None:
    """Nothing is rolled back if the last migration is not the one that the operator approved."""
    database.invoke({"do": "migrate"})

    with pytest.raises(MigrationError, match=r"are 0003_t, not 0002_t: nothing was changed"):
        database.invoke({"do": "rollback", "expected": ["0002_t"]})

    assert database.invoke({"do": "rollback", "expected": ["0003_t"]}) == {
        "rolled_back": ["0003_t"]
    }


@pytest.mark.usefixtures("temporary_tables")
def test_a_shadowed_journal(database: Postgres) -> None:
    """The journal is written even if a temporary table of its name precedes it in search_path."""
    name = "schema_' || 'migrations"
    write_migration(
        1,
        f"DO $$BEGIN EXECUTE 'CREATE TEMPORARY TABLE {name} (LIKE public.{name})'; END$$;"
        "SET search_path = pg_temp, public; CREATE TABLE public.t1 (id integer);",
    )

    database.invoke({"do": "migrate"})

    assert applied_migrations(database) == ["0001_t", "0002_t", "0003_t"]


def test_a_file_that_ends_as_another_role(database: Postgres) -> None:
    """A file that changes the role is recorded too, because the record is written first."""
    master = database.master_credentials()["username"]
    with database.connect(master) as connection:
        connection.execute(f"GRANT {APPLICATION} TO {MIGRATOR}")
    try:
        write_migration(1, f"CREATE TABLE t1 (id integer); SET ROLE {APPLICATION};")

        assert len(database.invoke({"do": "migrate"})["applied"]) == 3
    finally:
        with database.connect(master) as connection:
            connection.execute(f"REVOKE {APPLICATION} FROM {MIGRATOR}")


def test_a_file_must_not_name_the_journal(database: Postgres) -> None:
    """A file that names the journal is refused."""
    write_migration(2, "DROP TABLE schema_migrations;")

    assert error_of(database).startswith("0002_t.sql: names schema_migrations, the journal")


def test_a_changed_file(database: Postgres) -> None:
    """A changed file is an error of every task, whether or not another file is pending."""
    database.invoke({"do": "migrate"})
    write_migration(2, "CREATE TABLE t2 (id bigint);")

    errors = [error_of(database), error_of(database, "rollback")]
    write_migration(4)
    errors.append(error_of(database))

    assert [line.partition(": restore")[0] for line in errors] == 3 * [
        "0002_t.sql: was changed after it was applied"
    ]
    assert database.invoke({"do": "status"})["changed"] == ["0002_t"]
    assert tables_of_migrations(database) == ["t1", "t2", "t3"]


def test_line_ends_do_not_count_as_a_change(database: Postgres) -> None:
    """An applied file stays unchanged if git converts its line ends."""
    write_migration(1, "CREATE TABLE t1 (\n id integer\n);")
    database.invoke({"do": "migrate"})
    write_migration(1, "CREATE TABLE t1 (\r\n id integer\r\n);")

    assert database.invoke({"do": "migrate"}) == {"applied": []}


def test_the_journal_of_an_earlier_version(database: Postgres) -> None:
    """If an earlier version migrated the database, the error has the commands to run."""
    database.query("CREATE TABLE _yoyo_migration (id integer)")

    for event in ("migrate", "rollback", "status"):
        assert "run ./inv emulator.reset" in error_of(database, event)


def test_a_journal_of_another_program(database: Postgres) -> None:
    """A table with the name of the journal but other columns is not changed."""
    database.query("CREATE TABLE schema_migrations (version text)")

    assert error_of(database).startswith("public.schema_migrations: is not the journal")
