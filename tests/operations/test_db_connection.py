"""The variables of libpq; tests/commands/test_db_connection.py runs psql."""

from __future__ import annotations

import pytest

from deployer.errors import ConfigError
from operations import db_connection
from tests.operations.fake_account import Account, target


def test_connection_parameters() -> None:
    """Variables of libpq have other names as parameters of a connection."""
    variables = {"PGHOST": "db", "PGDATABASE": "cruddur", "PGSSLMODE": "verify-full"}

    parameters = db_connection._connection_parameters(variables)

    assert parameters == {"host": "db", "dbname": "cruddur", "sslmode": "verify-full"}


def test_an_unknown_user() -> None:
    """A user that is not in the list, such as the master user, is refused."""
    with (
        pytest.raises(ConfigError, match="--user=overseer: unknown"),
        db_connection.connection_variables(target(Account()), "overseer"),
    ):
        pass
