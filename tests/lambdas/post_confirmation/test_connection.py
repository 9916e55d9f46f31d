"""Authentication and TLS of the connection to the database."""

from __future__ import annotations

import psycopg
import pytest

from post_confirmation.handler import UnavailableError
from shared import database as connections
from tests.lambdas.post_confirmation.sign_ups import (
    assert_no_personal_data,
    deliver,
    sign_up_event,
    users,
)
from tests.lambdas.postgres import Postgres

pytestmark = pytest.mark.thorough


def test_each_attempt_uses_a_new_token(database: Postgres, monkeypatch) -> None:
    """A second attempt uses a new token."""
    real = connections._token
    tokens = iter(["no token", real()])
    monkeypatch.setattr(connections, "_token", lambda: next(tokens))

    deliver(sign_up_event())

    assert len(users(database)) == 1


def test_the_role_cannot_connect_as_another_user(database: Postgres, monkeypatch, capfd) -> None:
    """The permission is for the application user only."""
    monkeypatch.setenv("PGUSER", "migrator")

    with pytest.raises(UnavailableError):
        deliver(sign_up_event())

    assert_no_personal_data(*capfd.readouterr())


def test_an_untrusted_server(database: Postgres, monkeypatch) -> None:
    """The certificate of the emulator was not issued by a root of RDS, so the connection fails."""
    monkeypatch.delenv("PGSSLROOTCERT")

    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        connections.connect()


def test_tls_cannot_be_disabled(database: Postgres, monkeypatch) -> None:
    """The variable PGSSLMODE does not disable TLS."""
    monkeypatch.setenv("PGSSLMODE", "disable")

    with connections.connect() as connection:
        assert connection.pgconn.ssl_in_use
        assert connection.info.get_parameters()["sslmode"] == "verify-full"
