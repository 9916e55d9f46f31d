"""Tests of cruddur.rates."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from cruddur.app import create_app
from cruddur.rates import WriteLimit
from tests.backend.api import problem

POST = {"message": "Hello", "ttl": "1-day"}
PATH = "/api/activities"


@pytest.fixture
def limited(services):
    """An application that allows three writes of each user in a minute."""
    return application(services).test_client()


def application(services):
    writes = WriteLimit(services.database, 3)
    return create_app(services=replace(services, write_limit=writes))


def test_writes_above_the_limit_are_refused(limited, andrew):
    """The response has the time after which the next write is allowed, and nothing is written."""
    responses = [limited.post(PATH, json=POST, headers=andrew.headers) for _ in range(4)]
    posts = andrew.database.execute("SELECT count(*) FROM activities").fetchone()[0]

    assert [response.status_code for response in responses[:3]] == [200] * 3
    assert problem(responses[3]) == (429, [])
    assert 1 <= int(responses[3].headers["Retry-After"]) <= 60
    assert posts == 3


def test_invalid_writes_count(limited, andrew):
    """Invalid requests count as well, so a script that sends them is stopped."""
    statuses = [limited.post(PATH, json={}, headers=andrew.headers).status_code for _ in range(5)]

    assert statuses == [422] * 3 + [429] * 2


def test_reads_and_other_users_are_not_limited(limited, andrew, bayko):
    """The limit is for the writes of one user."""
    for _ in range(4):
        limited.post(PATH, json=POST, headers=andrew.headers)
    reads = [limited.get(f"{PATH}/home", headers=andrew.headers).status_code for _ in range(5)]
    other = limited.post(PATH, json=POST, headers=bayko.headers).status_code

    assert (reads, other) == ([200] * 5, 200)


def test_the_limit_is_that_of_all_processes(services, limited, andrew):
    """Two processes share the count, which is in the database."""
    other = application(services).test_client()

    statuses = [
        client.post(PATH, json=POST, headers=andrew.headers).status_code
        for client in (limited, other, limited, other)
    ]

    assert statuses == [200, 200, 200, 429]


@pytest.mark.parametrize(("seconds", "allowed"), [(19, 0), (21, 1), (41, 2), (600, 3)])
def test_writes_are_allowed_again_one_by_one(limited, andrew, seconds, allowed):
    """After a third of a minute one more write is allowed, and after a minute all three."""
    for _ in range(3):
        limited.post(PATH, json=POST, headers=andrew.headers)
    andrew.database.execute(
        "UPDATE write_rates SET full_at = full_at - %s", [timedelta(seconds=seconds)]
    )

    statuses = [limited.post(PATH, json=POST, headers=andrew.headers).status_code for _ in range(4)]

    assert statuses == [200] * allowed + [429] * (4 - allowed)


def test_concurrent_writes_are_all_counted(services, andrew):
    """Of concurrent writes, no more succeed than the limit allows."""
    app = application(services)

    def write(_):
        return app.test_client().post(PATH, json=POST, headers=andrew.headers).status_code

    with ThreadPoolExecutor(6) as threads:
        statuses = [*threads.map(write, range(6))]

    assert sorted(statuses) == [200] * 3 + [429] * 3
