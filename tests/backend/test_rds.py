"""Tests of cruddur.rds, with the emulator's RDS: TLS and IAM tokens."""

from __future__ import annotations

import pytest

from cruddur import rds
from cruddur.aws import session
from cruddur.database import Database
from cruddur.problems import ProblemError
from cruddur.statements import Statement
from shared.database import ROOTS as RDS_ROOTS
from stacks.database import APPLICATION
from tests.emulator_server import REGION, aws, endpoint, server
from tests.lambdas.post_confirmation.conftest import migrated
from tests.lambdas.postgres import Postgres

__all__ = ["aws", "endpoint", "server"]

PING = Statement("health/sql/ping.sql")


@pytest.fixture(scope="module")
def instance(server, tmp_path_factory):
    """An instance with the tables of the project."""
    with migrated(server, tmp_path_factory, 9) as running:
        yield running


@pytest.fixture
def database(instance: Postgres, monkeypatch):
    """The database of a task: a pool with the parameters of RDS."""
    session.cache_clear()
    for name, value in instance.environment(APPLICATION).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.delenv("AWS_REGION")
    pool = Database(rds.connection_parameters, timeout_seconds=5)
    yield pool
    pool.close()
    session.cache_clear()


def test_a_task_connects_with_a_token(database):
    """The application signs in as its database user, without a password."""
    assert database.one(PING, {}, bool) is True


def test_each_connection_has_a_new_token(database):
    """Tokens expire after 15 minutes, so the pool requests one for each new connection."""
    tokens = {rds.connection_parameters()["password"] for _ in range(2)}
    with database.transaction(), database.transaction() as second:
        assert second.one(PING, {}, bool) is True

    assert all("X-Amz-Expires=900" in token for token in tokens)


def test_the_certificate_is_verified(database, tmp_path, monkeypatch):
    """A server whose certificate another authority issued is refused."""
    monkeypatch.setenv("PGSSLROOTCERT", str(RDS_ROOTS))
    pool = Database(rds.connection_parameters, timeout_seconds=1)
    with pytest.raises(ProblemError) as raised:
        pool.one(PING, {}, bool)
    pool.close()

    assert raised.value.status == 503


def test_a_task_without_permission(database, monkeypatch):
    """A token that is signed with unknown credentials is refused."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    session.cache_clear()
    pool = Database(rds.connection_parameters, timeout_seconds=1)
    with pytest.raises(ProblemError) as raised:
        pool.one(PING, {}, bool)
    pool.close()

    assert raised.value.status == 503
