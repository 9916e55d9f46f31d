"""The migrations and the seed in backend/db, on a real PostgreSQL."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

from migrate import handler as migrate
from stacks.database import APPLICATION, MIGRATOR
from tests.lambdas.postgres import Postgres, postgres

DATABASE = Path(__file__).parents[3] / "backend" / "db"
FILES = sorted(
    file.stem
    for file in (DATABASE / "migrations").glob("*.sql")
    if not file.name.endswith(".rollback.sql")
)
INSERT_USER = "INSERT INTO users (display_name, handle, email, cognito_user_id)"
INSERT_LONDO = f"{INSERT_USER} VALUES ('Londo', 'londo', 'londo@example.com', 'sub')"
INSERT_POST = "INSERT INTO activities (user_uuid, message) SELECT uuid, 'Hello' FROM users"

# Columns, constraints, indexes, privileges, triggers and views of all tables except the journal.
SCHEMA_QUERIES = (
    """
    SELECT table_name, column_name, column_default, is_nullable, data_type
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'schema_migrations'
    """,
    """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'schema_migrations'
    """,
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'schema_migrations'",
    """
    SELECT table_name, column_name, grantee, privilege_type
    FROM information_schema.column_privileges
    WHERE table_schema = 'public' AND table_name <> 'schema_migrations'
    """,
    """
    SELECT table_name, grantee, privilege_type FROM information_schema.table_privileges
    WHERE table_schema = 'public' AND table_name <> 'schema_migrations'
    """,
    """
    SELECT tgname, pg_get_triggerdef(oid), pg_get_functiondef(tgfoid)
    FROM pg_trigger WHERE NOT tgisinternal
    """,
    "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'",
)


@pytest.fixture(scope="module")
def instance(server, tmp_path_factory):
    """An instance with the two database users."""
    with postgres(server, tmp_path_factory, 1) as running, pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "DATABASE", DATABASE)
        running.bootstrap()
        yield running


@pytest.fixture
def database(instance: Postgres):
    """A database with all migrations applied and without rows."""
    instance.invoke({"do": "migrate"})
    instance.query("TRUNCATE users, activities CASCADE")
    return instance


@pytest.fixture
def application(database: Postgres):
    """A connection as the user `application`, which is rolled back after the test."""
    with database.connect(APPLICATION) as connection, connection.transaction(force_rollback=True):
        yield connection


@pytest.fixture
def owner(database: Postgres):
    """A connection as the owner of the tables, which is rolled back after the test."""
    with database.connect(MIGRATOR) as connection, connection.transaction(force_rollback=True):
        yield connection


def schema(database: Postgres) -> list[list[tuple[object, ...]]]:
    """Return a description of the schema that can be compared."""
    return [sorted(map(tuple, database.query(query)), key=repr) for query in SCHEMA_QUERIES]


def test_file_names() -> None:
    """The files are NNNN_name.sql with consecutive numbers, and each has a rollback."""
    assert [name for name in FILES if not re.fullmatch(r"\d{4}_[a-z0-9_]+", name)] == []
    assert list(range(1, len(FILES) + 1)) == [int(name[:4]) for name in FILES]
    existing = {file.name for file in (DATABASE / "migrations").iterdir()}
    assert {f"{name}{suffix}" for name in FILES for suffix in (".sql", ".rollback.sql")} == existing


def test_each_rollback_restores_the_schema(database: Postgres) -> None:
    """Each rollback restores the schema before its migration, which can then be applied again."""
    schemas = [schema(database)]
    for name in reversed(FILES):
        assert {"rolled_back": [name]} == database.invoke({"do": "rollback"})
        schemas.append(schema(database))
    without_migrations = schemas[-1]

    for name, expected in zip(FILES, reversed(schemas[:-1]), strict=True):
        _apply_only(database, [file for file in FILES if file <= name])
        assert expected == schema(database), name

    assert [[]] * len(SCHEMA_QUERIES) == without_migrations


def _apply_only(database: Postgres, names: list[str]) -> None:
    """Apply the first migrations, up to the last of *names*: apply all and roll back the others."""
    database.invoke({"do": "migrate"})
    if steps := len(FILES) - len(names):
        database.invoke({"do": "rollback", "steps": steps})


def test_the_columns_are_those_of_the_original(database: Postgres) -> None:
    """The tables have the columns of the original, but every timestamp has a time zone."""
    columns = dict(
        database.query(
            "SELECT table_name || '.' || column_name, data_type FROM information_schema.columns"
            " WHERE table_name IN ('users', 'activities')"
        )
    )

    times = {name: kind for name, kind in columns.items() if name.endswith("_at")}
    assert times == {
        "users.created_at": "timestamp with time zone",
        "activities.created_at": "timestamp with time zone",
        "activities.expires_at": "timestamp with time zone",
    }
    users = {name.partition(".")[2] for name in columns if name.startswith("users.")}
    assert users == {
        *("uuid", "display_name", "handle", "email", "cognito_user_id", "bio", "created_at"),
        *("profile_version", "avatar_uuid", "avatar_version"),  # Not in the original.
    }
    assert columns["activities.reply_to_activity_uuid"] == "uuid"


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        (f"{INSERT_USER} VALUES ('x', 'LONDO', 'x@x', 'x')", "users_handle_key"),
        (f"{INSERT_USER} VALUES ('x', 'x', 'Londo@Example.com', 'x')", "users_email_key"),
        (f"{INSERT_USER} VALUES ('x', 'x', 'x@x', 'sub')", "users_cognito_user_id_key"),
        (f"{INSERT_USER} VALUES ('', 'x', 'x@x', 'x')", "users_display_name_check"),
        (f"{INSERT_USER} VALUES (repeat('x', 101), 'x', 'x@x', 'x')", "users_display_name_check"),
        (f"{INSERT_USER} VALUES ('x', '', 'x@x', 'x')", "users_handle_check"),
        (f"{INSERT_USER} VALUES ('x', 'a b', 'x@x', 'x')", "users_handle_check"),
        (f"{INSERT_USER} VALUES ('x', 'ab\n', 'x@x', 'x')", "users_handle_check"),
        (f"{INSERT_USER} VALUES ('x', repeat('x', 31), 'x@x', 'x')", "users_handle_check"),
        (f"{INSERT_USER} VALUES ('x', 'x', repeat('x', 255), 'x')", "users_email_check"),
        ("UPDATE users SET bio = repeat('x', 1025)", "users_bio_check"),
        (INSERT_POST.replace("uuid, 'H", "gen_random_uuid(), 'H"), "activities_user_uuid_fkey"),
        (INSERT_POST.replace("'Hello'", "''"), "activities_message_check"),
        (INSERT_POST.replace("'Hello'", "repeat('x', 281)"), "activities_message_check"),
        ("UPDATE activities SET likes_count = -1", "activities_likes_count_check"),
        ("UPDATE activities SET replies_count = -1", "activities_replies_count_check"),
        ("UPDATE activities SET reposts_count = -1", "activities_reposts_count_check"),
        (
            (
                "INSERT INTO activities (user_uuid, message, expires_at)"
                " SELECT uuid, 'x', current_timestamp FROM users"
            ),
            "activities_expires_at_check",
        ),
        (
            (
                "INSERT INTO activities (user_uuid, message, reply_to_activity_uuid)"
                " SELECT uuid, 'x', gen_random_uuid() FROM users"
            ),
            "activities_reply_to_activity_uuid_fkey",
        ),
        (
            (
                "INSERT INTO activities (user_uuid, message, reply_to_activity_uuid)"
                " SELECT user_uuid, repeat('x', 1025), uuid FROM activities"
            ),
            "activities_message_check",
        ),
        (
            (
                "INSERT INTO activities (uuid, user_uuid, message, reply_to_activity_uuid)"
                " SELECT new, user_uuid, 'x', new FROM activities, gen_random_uuid() AS new"
            ),
            "activities_own_reply_check",
        ),
    ],
    ids=lambda value: value if value.endswith(("check", "key")) else "",
)
def test_invalid_rows_are_refused(
    owner: psycopg.Connection, statement: str, constraint: str
) -> None:
    """Each invalid row is refused by the constraint that is meant for it."""
    owner.execute(INSERT_LONDO)
    owner.execute(INSERT_POST)

    with pytest.raises(psycopg.IntegrityError) as refused:
        owner.execute(statement)

    assert constraint == refused.value.diag.constraint_name


def test_the_longest_valid_values(application: psycopg.Connection) -> None:
    """The longest values are accepted, and a reply is deleted with its post."""
    application.execute(f"{INSERT_USER} VALUES (repeat('ü', 100), repeat('x', 30), 'x@x', 'x')")
    application.execute("UPDATE users SET bio = repeat('ü', 1024)")
    application.execute(INSERT_POST.replace("'Hello'", "repeat('ü', 280)"))
    application.execute(
        "INSERT INTO activities (user_uuid, message, reply_to_activity_uuid)"
        " SELECT user_uuid, repeat('ü', 1024), uuid FROM activities"
    )

    application.execute("DELETE FROM activities WHERE reply_to_activity_uuid IS NULL")

    assert application.execute("SELECT count(*) FROM activities").fetchone() == (0,)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE users SET handle = 'other'",
        "UPDATE users SET cognito_user_id = 'other'",
        "DELETE FROM users",
        "UPDATE activities SET message = 'changed'",
        "TRUNCATE activities",
        "CREATE TABLE mine ()",
        "CREATE TEMPORARY TABLE mine ()",
        "DROP TABLE users",
        "SELECT * FROM schema_migrations",
    ],
)
def test_the_application_has_no_other_privileges(
    application: psycopg.Connection, statement: str
) -> None:
    """The application cannot change the schema, messages, or the identity of users."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        application.execute(statement)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (
            (
                "SELECT * FROM activities WHERE reply_to_activity_uuid IS NULL"
                " ORDER BY created_at DESC, uuid DESC LIMIT 20"
            ),
            "posts",
        ),
        (
            (
                "SELECT * FROM activities WHERE user_uuid = '00000000-0000-4000-8000-000000000001'"
                " ORDER BY created_at DESC, uuid DESC LIMIT 20"
            ),
            "of_user",
        ),
        (
            (
                "SELECT * FROM activities"
                " WHERE reply_to_activity_uuid = '00000000-0000-4000-9000-000000000001'"
                " ORDER BY created_at, uuid LIMIT 20"
            ),
            "replies",
        ),
        ("DELETE FROM activities WHERE expires_at < current_timestamp", "expiring"),
    ],
)
def test_indexes(application: psycopg.Connection, query: str, index: str) -> None:
    """Each query of the application uses an index and needs no sort."""
    application.execute("SET LOCAL enable_seqscan = off")
    application.execute("SET LOCAL enable_bitmapscan = off")

    plan = "\n".join(line for (line,) in application.execute(f"EXPLAIN {query}"))

    assert f"activities_{index}" in plan
    assert "Sort" not in plan


def test_seed(database: Postgres) -> None:
    """The seed adds four users and two posts that expire in ten days; a second run adds nothing."""
    for _ in range(2):
        assert database.invoke({"do": "seed"}) == {"seeded": ["seed"]}
        users = database.query("SELECT handle FROM users ORDER BY handle")
        posts = database.query(
            "SELECT handle, message FROM activities JOIN users ON users.uuid = user_uuid"
            " WHERE expires_at - current_timestamp > interval '9 days' ORDER BY handle"
        )

        assert [handle for (handle,) in users] == ["altbrown", "andrewbrown", "bayko", "londo"]
        assert posts == [
            ("altbrown", "I am the other!"),
            ("andrewbrown", "This was imported as seed data!"),
        ]


def test_the_database_users_are_those_of_the_stack(database: Postgres) -> None:
    """The files grant privileges to the application user of the stack; the migrator owns all tables."""
    owners = database.query("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
    granted = re.findall(
        r"\bGRANT [^;]* TO (\w+);",
        "".join(file.read_text() for file in (DATABASE / "migrations").glob("*.sql")),
    )

    assert owners == [(MIGRATOR,)]
    assert set(granted) == {APPLICATION}
