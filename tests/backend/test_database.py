"""Tests of cruddur.database: connections that fail, and a server that is not available."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from uuid import UUID

import psycopg
import pytest

from cruddur.app import create_app
from cruddur.database import SETTINGS, Database, MissingReferenceError
from cruddur.problems import ProblemError
from cruddur.statements import Statement
from tests.backend.api import Member, problem
from tests.backend.clusters import Cluster

HOME = "/api/activities/home"
NEW_POST = {"message": "Hello", "ttl": "1-day"}


@pytest.fixture
def small_pool(postgres: Cluster, services, andrew):
    """A pool of one connection, and a client of an application that uses it."""
    pool = Database(postgres.parameters, max_connections=1, timeout_seconds=0.3)
    client = create_app(services=replace(services, database=pool)).test_client()
    yield pool, replace(andrew, client=client)
    pool.close()


def statement(tmp_path, monkeypatch, text: str) -> Statement:
    """Return a statement with *text*."""
    monkeypatch.setattr("cruddur.statements.ROOT", tmp_path)
    (tmp_path / "test.sql").write_text(text)
    return Statement("test.sql")


def profile(member: Member, name: str) -> dict[str, object]:
    """Return the parameters of an update of a profile."""
    values = {"display_name": name, "bio": "", "profile_version": None}
    return values | {"cognito_user_id": member.sub}


@pytest.fixture
def break_connections(postgres: Cluster):
    """End all connections of the application, as a restart of the server does."""

    def terminate() -> None:
        with postgres.connect("postgres") as master:
            master.execute(
                "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity"
                " WHERE usename = 'application'"
            )

    return terminate


def test_an_exhausted_pool(small_pool):
    """Without a free connection the response is 503 with Retry-After, after a short wait."""
    pool, client = small_pool
    with pool.transaction():
        started = time.monotonic()
        read, write = client.get(HOME), client.post("/api/activities", NEW_POST)
        waited_seconds = time.monotonic() - started

    assert [problem(read), problem(write)] == [(503, [])] * 2
    assert read.headers["Retry-After"] == "2"
    assert waited_seconds > 0.5  # The time-out of the pool is 0.3 seconds.
    assert client.get(HOME).status_code == 200


def test_a_read_survives_a_broken_connection(small_pool, break_connections):
    """A read is repeated on a new connection, so a failover is not visible to the user."""
    _, client = small_pool
    statuses = [client.get(HOME).status_code]
    for _ in range(3):
        break_connections()
        statuses.append(client.get(HOME).status_code)

    assert statuses == [200] * 4


def test_a_write_survives_a_connection_that_was_broken_before(small_pool, break_connections):
    """A transaction that could not begin is begun again, so it cannot be applied twice."""
    _, client = small_pool
    client.get(HOME)
    break_connections()
    response = client.post("/api/activities", NEW_POST)
    posts = client.database.execute("SELECT count(*) FROM activities").fetchone()[0]

    assert (response.status_code, posts) == (200, 1)


def test_a_transaction_is_not_repeated(small_pool, break_connections):
    """A transaction whose connection breaks after it began fails, and changes nothing."""
    pool, client = small_pool
    update = Statement("users/sql/update_profile.sql")
    begun = []

    def rename() -> None:
        with pool.transaction() as transaction:
            begun.append(transaction.execute(update, profile(client, "X")))
            break_connections()
            transaction.execute(update, profile(client, "Y"))

    with pytest.raises(ProblemError) as raised:
        rename()

    assert (raised.value.status, begun) == (503, [1])
    assert client.get("/api/users/@andrewbrown/short").json["display_name"] == "Andrew Brown"


def test_a_server_that_is_unavailable_for_a_while(small_pool, services):
    """While the server is unavailable all requests are 503; afterwards they succeed again."""
    address = {"host": "/nowhere", "connect_timeout": 1}
    parameters = services.database._pool.kwargs()
    pool = Database(lambda: address, max_connections=1, timeout_seconds=0.3)
    client = create_app(services=replace(services, database=pool)).test_client()
    failed = client.get(HOME)
    address.clear()
    address.update({key: parameters[key] for key in ("host", "user", "dbname")})
    deadline = time.monotonic() + 60
    while client.get(HOME).status_code != 200:
        assert time.monotonic() < deadline
    pool.close()

    assert (problem(failed), failed.headers["Retry-After"]) == ((503, []), "2")


def test_a_statement_that_takes_too_long(small_pool, tmp_path, monkeypatch):
    """A statement that reaches the timeout is 503, and its connection remains usable."""
    monkeypatch.setitem(SETTINGS, "statement_timeout", "50ms")
    pool, _ = small_pool
    sleep = statement(tmp_path, monkeypatch, "SELECT pg_sleep(1)")
    with pytest.raises(ProblemError) as raised:
        pool.one(sleep, {}, str)

    assert raised.value.status == 503
    assert pool.one(statement(tmp_path, monkeypatch, "SELECT 1"), {}, int) == 1


def test_a_row_that_another_transaction_locks(small_pool, andrew, monkeypatch):
    """A write that waits too long for a lock is 503, and succeeds afterwards."""
    monkeypatch.setitem(SETTINGS, "lock_timeout", "50ms")
    _, client = small_pool
    body = {"display_name": "Andrew"}
    with andrew.database.transaction():
        andrew.database.execute("SELECT FROM users FOR UPDATE")
        locked = client.put("/api/profile/update", body)
    free = client.put("/api/profile/update", body)

    assert (problem(locked), free.status_code) == ((503, []), 200)


def test_a_post_that_is_deleted_during_a_like(pool, andrew, tmp_path, monkeypatch):
    """A reference to a row that no longer exists raises MissingReferenceError."""
    insert = statement(
        tmp_path,
        monkeypatch,
        "INSERT INTO likes (activity_uuid, user_uuid) VALUES (%(post)s, %(user)s)",
    )
    with pytest.raises(MissingReferenceError), pool.transaction() as transaction:
        transaction.execute(insert, {"post": UUID(int=1), "user": andrew.uuid})


def test_an_error_of_the_application_rolls_back(pool, andrew):
    """A transaction whose block raises changes nothing, and its connection is reused."""

    def rename() -> None:
        with pool.transaction() as transaction:
            transaction.execute(Statement("users/sql/update_profile.sql"), profile(andrew, "X"))
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        rename()

    assert andrew.get("/api/users/@andrewbrown/short").json["display_name"] == "Andrew Brown"


def test_many_threads_share_the_pool(application, andrew):
    """All requests succeed, also if more are concurrent than the pool has connections."""
    statuses: list[int] = []

    def read() -> None:
        client = application.test_client()
        statuses.extend(client.get(HOME).status_code for _ in range(5))

    threads = [threading.Thread(target=read) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [200] * 80


@pytest.mark.parametrize(
    "command",
    [
        "UPDATE activities SET likes_count = 9",
        "UPDATE activities SET reposts_count = 9",
        "UPDATE activities SET replies_count = 9",
        "UPDATE activities SET message = 'x'",
        "UPDATE activities SET expires_at = NULL",
        "UPDATE activities SET user_uuid = uuid",
        "UPDATE users SET handle = 'x'",
        "UPDATE users SET cognito_user_id = 'x'",
        "UPDATE users SET profile_version = 1",
        "UPDATE likes SET user_uuid = NULL",
        "UPDATE schema_migrations SET name = 'x'",
        "DELETE FROM users",
        "TRUNCATE likes",
        "CREATE TABLE x ()",
    ],
)
def test_the_application_has_few_privileges(postgres: Cluster, command):
    """The application can change neither counts, expiry and authors of posts, nor handles."""
    with (
        postgres.connect("application") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(command)
