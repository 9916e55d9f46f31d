"""Requests while PostgreSQL or the user pool is unavailable, and afterwards."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from stacks.database import APPLICATION
from tests.backend.clusters import Cluster
from tests.backend.process.conftest import SUB, UserPool
from tests.backend.process.servers import Response, Server, eventually, started
from tests.lambdas import access_tokens

POST = {"message": "Hello", "ttl": "1-day"}
FEED = "/api/activities/home"
END_CONNECTIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"


@pytest.fixture(scope="module")
def variables(variables) -> dict[str, str]:
    """One worker, so that the state of caches and pools is known."""
    return {**variables, "WEB_CONCURRENCY": "1"}


def unavailable(response: Response) -> bool:
    """Return whether *response* is a problem that the client may retry."""
    return (response.status, response.headers.get("retry-after")) == (503, "2")


def write(server: Server, bearer: dict[str, str]) -> Response:
    return server.send("POST", "/api/activities", POST, bearer)


def test_broken_connections_are_replaced(server: Server, postgres: Cluster, bearer):
    """A failover breaks idle connections; no read and no write fails because of that."""
    write(server, bearer)
    statuses = []
    for _ in range(3):
        with postgres.connect("postgres", "postgres") as master:
            master.execute(END_CONNECTIONS, [APPLICATION])
        statuses += [server.get(FEED).status, write(server, bearer).status]

    assert statuses == [200] * 6


def test_postgresql_is_restarted(server: Server, postgres: Cluster, bearer):
    """While the database is stopped, requests get 503 and liveness succeeds; then all succeed."""
    acknowledged = write(server, bearer).json["uuid"]
    postgres.stop()
    try:
        with ThreadPoolExecutor() as threads:
            requests = [
                threads.submit(server.get, FEED),
                threads.submit(write, server, bearer),
                threads.submit(server.get, "/api/ready"),
            ]
            alive = server.get("/api/health-check").status
        responses = [request.result() for request in requests]
    finally:
        postgres.start()

    assert [unavailable(response) for response in responses] == [True] * 3
    assert alive == 200
    eventually(lambda: server.get(FEED).status == 200, server)
    assert write(server, bearer).status == 200
    assert server.get(f"/api/activities/@andrew/status/{acknowledged}").status == 200


def test_postgresql_has_no_free_connections(server: Server, postgres: Cluster):
    """Without a connection a request ends after the timeout of the pool, with 503."""
    with postgres.connect("postgres", "postgres") as master:
        master.execute(f"ALTER ROLE {APPLICATION} CONNECTION LIMIT 0")
        master.execute(END_CONNECTIONS, [APPLICATION])
        try:
            refused = server.get(FEED)
        finally:
            master.execute(f"ALTER ROLE {APPLICATION} CONNECTION LIMIT -1")

    assert unavailable(refused)
    eventually(lambda: server.get(FEED).status == 200, server)


def test_a_locked_row_delays_a_request_for_a_limited_time(
    server: Server, postgres: Cluster, bearer
):
    """A request waits for a lock for two seconds, and the client may retry."""
    with postgres.connect() as owner, owner.transaction():
        owner.execute("LOCK TABLE activities")
        refused = write(server, bearer)

    assert unavailable(refused)
    assert write(server, bearer).status == 200


def test_the_keys_of_the_pool_are_fetched_once(server: Server, pool: UserPool, bearer):
    """The keys are fetched once for many requests; the original fetched them for each."""
    write(server, bearer)
    before = len(pool.requests)

    statuses = [write(server, bearer).status for _ in range(3)]

    assert (statuses, len(pool.requests)) == ([200] * 3, before)


def test_cached_keys_are_used_without_the_pool(server: Server, pool: UserPool, bearer):
    """Without the pool, users stay signed in, and a token with an unknown key gets 503."""
    write(server, bearer)
    claims = access_tokens.claims(sub=SUB, username=SUB)
    unknown = access_tokens.access_token(claims, fields=access_tokens.header(kid="new"))
    pool.available = False
    try:
        known = write(server, bearer)
        refused = write(server, {"Authorization": f"Bearer {unknown}"})
    finally:
        pool.available = True

    assert known.status == 200
    assert unavailable(refused)


def test_a_server_starts_without_the_pool(variables, tmp_path, pool: UserPool, bearer):
    """A new task serves anonymous requests, and fetches the keys when they are available."""
    pool.available = False
    try:
        with started(tmp_path, **variables) as server:
            refused, anonymous = write(server, bearer), server.get(FEED)
            pool.available = True

            assert unavailable(refused)
            assert anonymous.status == 200
            eventually(lambda: write(server, bearer).status == 200, server)
    finally:
        pool.available = True
