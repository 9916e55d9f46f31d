"""The plans of all statements that read: no sequential scan of a table that grows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cruddur.pages import NEWEST
from cruddur.statements import ROOT, Statement
from tests.backend.clusters import Cluster

USERS, POSTS, REPLIES = 10_000, 20_000, 3_000

INCLUDED = {"sql/post_columns.sql"}  # A part of other statements.
STATEMENTS = sorted({str(path.relative_to(ROOT)) for path in ROOT.rglob("*.sql")} - INCLUDED)
# It reads rows in batches, and each row once, so a sequential scan is acceptable.
BATCHES = {"sql/users_without_avatar_uuid.sql"}


@pytest.fixture(scope="module")
def large(postgres: Cluster, migrator):
    """Tables that are large enough for PostgreSQL to prefer indexes, with statistics."""
    migrator.execute("TRUNCATE users, activities, write_rates CASCADE")
    migrator.execute(
        "INSERT INTO users (display_name, handle, cognito_user_id, avatar_uuid)"
        " SELECT 'User', 'user' || i, gen_random_uuid(), gen_random_uuid()"
        " FROM generate_series(1, %s) i",
        [USERS],
    )
    migrator.execute(
        "INSERT INTO activities (user_uuid, message, expires_at, created_at)"
        " SELECT u.uuid, 'post ' || md5(i::text), now() + interval '1 day',"
        " now() - i * interval '1 s' FROM generate_series(1, %s) i"
        " JOIN (SELECT uuid, row_number() OVER () n FROM users) u ON u.n = 1 + i %% %s",
        [POSTS, USERS],
    )
    migrator.execute(
        "INSERT INTO activities (user_uuid, message, reply_to_activity_uuid, created_at)"
        " SELECT a.user_uuid, 'reply ' || md5(a.uuid::text), p.uuid, now()"
        " FROM (SELECT *, row_number() OVER () n FROM activities LIMIT %s) a"
        " JOIN (SELECT uuid, row_number() OVER () n FROM activities) p ON p.n = 1 + a.n / 3",
        [REPLIES],
    )
    for table in ("likes", "reposts"):
        migrator.execute(
            f"INSERT INTO {table} (activity_uuid, user_uuid) SELECT a.uuid, u.uuid"  # noqa: S608
            " FROM (SELECT uuid FROM activities LIMIT 1000) a, (SELECT uuid FROM users LIMIT 5) u"
        )
    migrator.execute(
        "INSERT INTO write_rates (cognito_user_id, full_at) SELECT cognito_user_id, now() FROM users"
    )
    migrator.execute("VACUUM ANALYZE")
    with postgres.connect("application") as connection:
        yield connection
    migrator.execute("TRUNCATE users, activities, write_rates CASCADE")


@pytest.mark.parametrize("path", STATEMENTS)
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_no_sequential_scan(large, path, mode):
    """The plan for given parameters and the plan of a prepared statement use indexes."""
    statement = Statement(path)
    scanned = {
        node["Relation Name"]
        for node in _nodes(_plan(large, statement, mode))
        if node["Node Type"] == "Seq Scan"
    }

    assert scanned <= ({"users"} if path in BATCHES else set())


def _plan(connection, statement: Statement, mode: str) -> dict[str, Any]:
    user, sub = connection.execute("SELECT uuid, cognito_user_id FROM users LIMIT 1").fetchone()
    post, handle = connection.execute(
        "SELECT uuid, handle FROM visible_activities LIMIT 1"
    ).fetchone()
    parameters = {
        **NEWEST.parameters,
        "limit": 21,
        "viewer": sub,
        "cognito_user_id": sub,
        "user_uuid": user,
        "activity_uuid": post,
        "uuid": user,
        "handle": handle,
        "term": "post abc",
        "message": "x",
        "lifetime": "1 day",
        "display_name": "x",
        "bio": "",
        "profile_version": None,
        "avatar_uuid": post,
        "version": "A",
        "users": [user],
        "uuids": [user],
        "avatars": [post],
        "interval": timedelta(seconds=1),
        "capacity": timedelta(minutes=1),
    }
    explain = b"EXPLAIN (FORMAT JSON) " + statement.text
    with connection.transaction(force_rollback=True):
        connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
        [[[found]]] = connection.execute(explain, parameters).fetchall()
    return found["Plan"]


def _nodes(node: dict[str, Any]):
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)
