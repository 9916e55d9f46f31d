"""Tests of backend/db/migrations/ with rows, and during a release.

The schema itself is tested in tests/lambdas/migrate/test_project_migrations.py.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.backend.clusters import MIGRATIONS, ROOT, Cluster, Migrations

NAMES = Migrations.names
DATABASE = "migrations"
FIRST_RELEASE = "0002_activities"

FORWARD = sorted(path for path in MIGRATIONS.glob("*.sql") if ".rollback" not in path.name)


@pytest.fixture
def empty(postgres: Cluster):
    """An empty database, and the runner of migrations for it."""
    postgres.create_database(DATABASE)
    with postgres.runner(DATABASE) as migrations, postgres.connect(dbname=DATABASE) as connection:
        yield connection, migrations


@pytest.fixture
def first_release(empty):
    """The schema of the first release with two users, posts, and a thread of three levels."""
    connection, migrations = empty
    migrations.migrate(last=FIRST_RELEASE)
    connection.execute(
        "INSERT INTO users (display_name, handle, cognito_user_id)"
        " VALUES ('Andrew', 'andrew', 'a'), ('Bayko', 'bayko', 'b')"
    )
    post = write(connection, "andrew", "post", expires="1 day")
    answer = write(connection, "bayko", "answer", parent=post)
    write(connection, "andrew", "thanks", parent=answer)
    write(connection, "bayko", "forever")
    return connection, migrations


def write(connection, author: str, message: str, *, parent=None, expires: str | None = None):
    """Write a post or a reply with the statement of the first release."""
    return connection.execute(
        "INSERT INTO activities (user_uuid, message, reply_to_activity_uuid, expires_at)"
        " SELECT uuid, %s, %s, now() + %s::interval FROM users WHERE handle = %s RETURNING uuid",
        (message, parent, expires, author),
    ).fetchone()[0]


def test_rollbacks_with_rows(first_release):
    """All rollbacks succeed with rows of every kind, and the rows of the first release remain."""
    connection, migrations = first_release
    migrations.migrate()
    for table in ("likes", "reposts"):
        connection.execute(
            f"INSERT INTO {table} (activity_uuid, user_uuid)"  # noqa: S608
            " SELECT a.uuid, u.uuid FROM activities a, users u"
        )
    migrations.roll_back(len(NAMES) - NAMES.index(FIRST_RELEASE) - 1)
    columns = "message, expires_at IS NULL, likes_count, reposts_count, replies_count"
    rows = connection.execute(f"SELECT {columns} FROM activities ORDER BY created_at").fetchall()  # noqa: S608

    assert rows == [
        ("post", False, 0, 0, 0),
        ("answer", True, 0, 0, 0),
        ("thanks", True, 0, 0, 0),
        ("forever", True, 0, 0, 0),
    ]


def test_rows_of_the_first_release_are_completed(first_release):
    """Replies receive the expiry of their first post and its author, and posts their counts."""
    connection, migrations = first_release
    migrations.migrate()
    rows = connection.execute(
        "SELECT a.message, a.expires_at = post.expires_at, a.replies_count, u.handle"
        " FROM activities a LEFT JOIN users u ON u.uuid = a.reply_to_user_uuid"
        " LEFT JOIN activities post ON post.message = 'post' ORDER BY a.created_at"
    ).fetchall()

    assert rows == [
        ("post", True, 1, None),
        ("answer", True, 1, "andrew"),
        ("thanks", True, 0, "bayko"),
        ("forever", None, 0, None),
    ]


def test_old_code_works_on_the_new_schema(first_release, postgres):
    """During a release, tasks of the first release write and read rows of the new schema.

    Their rows are complete for tasks of the new release.
    """
    _, migrations = first_release
    migrations.migrate()
    with postgres.connect("application", DATABASE) as old:
        post = write(old, "andrew", "old post", expires="1 hour")
        answer = write(old, "bayko", "old answer", parent=post)
        old.execute("UPDATE users SET display_name = 'B', bio = 'x' WHERE handle = 'bayko'")
        old.execute(
            "INSERT INTO users (display_name, handle, email, cognito_user_id)"
            " VALUES ('New', 'new', 'new@example.com', 'n')"
        )
        feed = old.execute(
            "SELECT message, replies_count FROM activities JOIN users ON users.uuid = user_uuid"
            " WHERE activities.uuid IN (%s, %s) ORDER BY activities.created_at",
            (post, answer),
        ).fetchall()
        new = old.execute(
            "SELECT expires_at = (SELECT expires_at FROM activities WHERE uuid = %s)"
            " FROM visible_activities WHERE uuid = %s",
            (post, answer),
        ).fetchone()
        deleted = old.execute("DELETE FROM activities WHERE uuid = %s", [post]).rowcount

    assert (feed, new, deleted) == ([("old post", 1), ("old answer", 0)], (True,), 1)


def test_counts_follow_the_rows(first_release):
    """Counts equal the numbers of rows after every change, also after the removal of users and posts."""
    connection, migrations = first_release
    migrations.migrate()
    for table in ("likes", "reposts"):
        connection.execute(
            f"INSERT INTO {table} (activity_uuid, user_uuid)"  # noqa: S608
            " SELECT a.uuid, u.uuid FROM activities a, users u"
        )

    def wrong_counts() -> int:
        return connection.execute(
            "SELECT count(*) FROM activities a WHERE"
            " likes_count <> (SELECT count(*) FROM likes WHERE activity_uuid = a.uuid)"
            " OR reposts_count <> (SELECT count(*) FROM reposts WHERE activity_uuid = a.uuid)"
            " OR replies_count <>"
            "   (SELECT count(*) FROM activities r WHERE r.reply_to_activity_uuid = a.uuid)"
        ).fetchone()[0]

    found = [wrong_counts()]
    for statement in (
        "DELETE FROM likes WHERE activity_uuid IN (SELECT uuid FROM activities LIMIT 2)",
        "DELETE FROM activities WHERE message = 'thanks'",
        "DELETE FROM users WHERE handle = 'bayko'",
        "DELETE FROM activities WHERE expires_at > now()",
        "DELETE FROM users",
    ):
        connection.execute(statement)
        found.append(wrong_counts())

    assert found == [0] * 6
    assert connection.execute("SELECT count(*) FROM likes").fetchone() == (0,)


def test_expired_posts_are_deleted_with_their_rows(first_release):
    """The removal of expired posts removes their threads and reactions, and nothing else."""
    connection, migrations = first_release
    migrations.migrate()
    connection.execute(
        "INSERT INTO likes (activity_uuid, user_uuid) SELECT a.uuid, u.uuid FROM activities a, users u"
    )
    connection.execute("UPDATE activities SET created_at = created_at - interval '2 days'")
    connection.execute("UPDATE activities SET expires_at = expires_at - interval '2 days'")
    connection.execute("DELETE FROM activities WHERE expires_at <= now()")

    rows = connection.execute("SELECT message, likes_count FROM activities").fetchall()
    assert rows == [("forever", 2)]


@pytest.mark.parametrize("file", FORWARD, ids=lambda path: path.stem)
def test_migrations_do_not_block_a_running_release(file: Path):
    """Squawk finds no lock that would block reads or writes for long."""
    squawk = Path(sys.executable).with_name("squawk")
    in_transaction = "transactional: false" not in file.read_text()
    option = ["--assume-in-transaction"] if in_transaction else []
    checked = subprocess.run(
        [squawk, *option, file], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stdout


def test_squawk_finds_blocking_locks(tmp_path: Path):
    """The settings of squawk leave the rules about locks enabled."""
    file = tmp_path / "0001_x.sql"
    file.write_text("CREATE INDEX x ON activities (message);")
    checked = subprocess.run(
        [Path(sys.executable).with_name("squawk"), "--assume-in-transaction", file],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "require-concurrent-index-creation" in checked.stdout
    assert checked.returncode == 1
