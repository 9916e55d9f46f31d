"""Tests of cruddur.rates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cruddur.app import create_app
from cruddur.rates import WriteLimit
from tests.backend.api import problem

POST = {"message": "Hello", "ttl": "1-day"}
PATH = "/api/activities"


@pytest.fixture
def limited(services):
    """An application that allows three writes of each user in a minute."""
    return create_app(parts=replace(services, writes=WriteLimit(3))).test_client()


def test_writes_above_the_limit_are_refused(limited, andrew):
    """The response has the time after which the next write is allowed, and nothing is written."""
    responses = [limited.post(PATH, json=POST, headers=andrew.headers) for _ in range(4)]
    posts = andrew.database.execute("SELECT count(*) FROM activities").fetchone()[0]

    assert [response.status_code for response in responses[:3]] == [200] * 3
    assert problem(responses[3]) == (429, [])
    assert 1 <= int(responses[3].headers["Retry-After"]) <= 60
    assert posts == 3


def test_invalid_writes_count(limited, andrew):
    """A script that sends invalid requests is stopped, too."""
    statuses = [limited.post(PATH, json={}, headers=andrew.headers).status_code for _ in range(5)]

    assert statuses == [422] * 3 + [429] * 2


def test_reads_and_other_users_are_not_limited(limited, andrew, bayko):
    """The limit is for the writes of one user."""
    for _ in range(4):
        limited.post(PATH, json=POST, headers=andrew.headers)
    reads = [limited.get(f"{PATH}/home", headers=andrew.headers).status_code for _ in range(5)]
    other = limited.post(PATH, json=POST, headers=bayko.headers).status_code

    assert (reads, other) == ([200] * 5, 200)
