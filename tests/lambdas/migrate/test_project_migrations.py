"""The migrations of the project, on a real PostgreSQL."""

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
SOMEBODY = "INSERT INTO users (display_name, handle, email, cognito_user_id)"
LONDO = f"{SOMEBODY} VALUES ('Londo', 'londo', 'londo@example.com', 'sub')"
POST = "INSERT INTO activities (user_uuid, message) SELECT uuid, 'Hello' FROM users"

# All that can differ between two schemas of ours, in PostgreSQL's own words.
SCHEMA = (
    """
    SELECT table_name, column_name, ordinal_position, column_default, is_nullable, data_type
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
)


@pytest.fixture(scope="module")
def empty(server, tmp_path_factory):
    """A database with its users and no table."""
    with postgres(server, tmp_path_factory, 1) as made, pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "DATABASE", DATABASE)
        made.bootstrap()
        yield made


@pytest.fixture
def database(empty: Postgres):
    """All migrations applied, and no row."""
    empty.call({"do": "migrate"})
    empty.ask("TRUNCATE users, activities")
    return empty


@pytest.fixture
def application(database: Postgres):
    """A connection as the services have it; what it did is undone."""
    with database.connect(APPLICATION) as connection, connection.transaction(force_rollback=True):
        yield connection


def schema(database: Postgres) -> list[list[tuple[object, ...]]]:
    """All that can be told of it."""
    return [sorted(map(tuple, database.ask(question)), key=repr) for question in SCHEMA]


def test_names() -> None:
    """NNNN_name.sql, no number twice, each with a way back."""
    assert [name for name in FILES if not re.fullmatch(r"\d{4}_[a-z0-9_]+", name)] == []
    assert list(range(1, len(FILES) + 1)) == [int(name[:4]) for name in FILES]
    there = {file.name for file in (DATABASE / "migrations").iterdir()}
    assert {f"{name}{end}" for name in FILES for end in (".sql", ".rollback.sql")} == there


def test_forward_and_back(database: Postgres) -> None:
    """Each file's way back leads to where it came from, and forward again to the same."""
    seen = [schema(database)]
    for name in reversed(FILES):
        assert {"rolled_back": [name]} == database.call({"do": "rollback"})
        seen.append(schema(database))
    empty = seen[-1]

    for name, before in zip(FILES, reversed(seen[:-1]), strict=True):
        with_one = [file for file in FILES if file <= name]
        _apply_only(database, with_one)
        assert before == schema(database), name

    assert [[], [], [], [], []] == empty


def _apply_only(database: Postgres, names: list[str]) -> None:
    """Apply the *names*, by going all the way and back again."""
    database.call({"do": "migrate"})
    if back := len(FILES) - len(names):
        database.call({"do": "rollback", "steps": back})


def test_nothing_is_left_out(database: Postgres) -> None:
    """What the original had: its columns by their names, but every time has a zone."""
    columns = dict(
        database.ask(
            "SELECT table_name || '.' || column_name, data_type FROM information_schema.columns"
            " WHERE table_name IN ('users', 'activities')"
        )
    )

    times = {name: kind for name, kind in columns.items() if name.endswith("_at")}
    assert {
        "users.created_at": "timestamp with time zone",
        "activities.created_at": "timestamp with time zone",
        "activities.expires_at": "timestamp with time zone",
    } == times
    assert {"uuid", "display_name", "handle", "email", "cognito_user_id", "bio", "created_at"} == {
        name.partition(".")[2] for name in columns if name.startswith("users.")
    }
    assert "uuid" == columns["activities.reply_to_activity_uuid"]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (f"{SOMEBODY} VALUES ('x', 'LONDO', 'x@x', 'x')", "users_handle_key"),
        (f"{SOMEBODY} VALUES ('x', 'x', 'Londo@Example.com', 'x')", "users_email_key"),
        (f"{SOMEBODY} VALUES ('x', 'x', 'x@x', 'sub')", "users_cognito_user_id_key"),
        (f"{SOMEBODY} VALUES ('', 'x', 'x@x', 'x')", "users_display_name_check"),
        (f"{SOMEBODY} VALUES (repeat('x', 101), 'x', 'x@x', 'x')", "users_display_name_check"),
        (f"{SOMEBODY} VALUES ('x', '', 'x@x', 'x')", "users_handle_check"),
        (f"{SOMEBODY} VALUES ('x', 'a b', 'x@x', 'x')", "users_handle_check"),
        (f"{SOMEBODY} VALUES ('x', 'ab\n', 'x@x', 'x')", "users_handle_check"),
        (f"{SOMEBODY} VALUES ('x', repeat('x', 31), 'x@x', 'x')", "users_handle_check"),
        (f"{SOMEBODY} VALUES ('x', 'x', repeat('x', 255), 'x')", "users_email_check"),
        ("UPDATE users SET bio = repeat('x', 1025)", "users_bio_check"),
        (POST.replace("uuid, 'H", "gen_random_uuid(), 'H"), "activities_user_uuid_fkey"),
        (POST.replace("'Hello'", "''"), "activities_message_check"),
        (POST.replace("'Hello'", "repeat('x', 281)"), "activities_message_check"),
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
                "INSERT INTO activities (user_uuid, message, reply_to_activity_uuid, expires_at)"
                " SELECT user_uuid, 'x', uuid, 'infinity' FROM activities"
            ),
            "activities_reply_check",
        ),
    ],
    ids=lambda value: value if value.endswith(("check", "key")) else "",
)
def test_what_cannot_be(application: psycopg.Connection, statement: str, said: str) -> None:
    """A row that would be wrong is refused by the constraint that says why."""
    application.execute(LONDO)
    application.execute(POST)

    with pytest.raises(psycopg.IntegrityError) as refused:
        application.execute(statement)

    assert said == refused.value.diag.constraint_name


def test_what_can_be(application: psycopg.Connection) -> None:
    """The longest of everything; a reply of 1024 characters, and it goes with its post."""
    application.execute(f"{SOMEBODY} VALUES (repeat('ü', 100), repeat('x', 30), 'x@x', 'x')")
    application.execute("UPDATE users SET bio = repeat('ü', 1024)")
    application.execute(POST.replace("'Hello'", "repeat('ü', 280)"))
    application.execute(
        "INSERT INTO activities (user_uuid, message, reply_to_activity_uuid)"
        " SELECT user_uuid, repeat('ü', 1024), uuid FROM activities"
    )

    application.execute("DELETE FROM activities WHERE reply_to_activity_uuid IS NULL")

    assert (0,) == application.execute("SELECT count(*) FROM activities").fetchone()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE users SET handle = 'other'",
        "UPDATE users SET cognito_user_id = 'other'",
        "DELETE FROM users",
        "UPDATE activities SET message = 'never said'",
        "TRUNCATE activities",
        "CREATE TABLE mine ()",
        "CREATE TEMPORARY TABLE mine ()",
        "DROP TABLE users",
        "SELECT * FROM schema_migrations",
    ],
)
def test_what_the_application_may_not(application: psycopg.Connection, statement: str) -> None:
    """It reads and writes rows, and not all of them: not the schema, not who somebody is."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        application.execute(statement)


@pytest.mark.parametrize(
    ("question", "index"),
    [
        ("SELECT * FROM activities ORDER BY created_at DESC, uuid DESC LIMIT 20", "feed"),
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
def test_indexes(application: psycopg.Connection, question: str, index: str) -> None:
    """Each way the application asks has an index that answers it in order."""
    application.execute("SET LOCAL enable_seqscan = off")
    application.execute("SET LOCAL enable_bitmapscan = off")

    plan = "\n".join(line for (line,) in application.execute(f"EXPLAIN {question}"))

    assert f"activities_{index}" in plan
    assert "Sort" not in plan


def test_seed(database: Postgres) -> None:
    """Four people and two posts that last ten days; once more adds nothing."""
    for _ in range(2):
        assert {"seeded": ["seed"]} == database.call({"do": "seed"})
        people = database.ask("SELECT handle FROM users ORDER BY handle")
        posts = database.ask(
            "SELECT handle, message FROM activities JOIN users ON users.uuid = user_uuid"
            " WHERE expires_at - current_timestamp > interval '9 days' ORDER BY handle"
        )

        assert ["altbrown", "andrewbrown", "bayko", "londo"] == [handle for (handle,) in people]
        assert [
            ("altbrown", "I am the other!"),
            ("andrewbrown", "This was imported as seed data!"),
        ] == posts


def test_the_users_are_those_of_the_layer(database: Postgres) -> None:
    """The files grant to the user that the database layer names, and its migrator owns all."""
    owners = database.ask("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
    granted = re.findall(
        r"\bGRANT [^;]* TO (\w+);",
        "".join(file.read_text() for file in (DATABASE / "migrations").glob("*.sql")),
    )

    assert [(MIGRATOR,)] == owners
    assert {APPLICATION} == set(granted)
