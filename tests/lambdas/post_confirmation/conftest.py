"""An RDS instance with the tables of the project, and the environment of the function."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pytest

from migrate import handler as migrate
from stacks.database import APPLICATION
from tests.emulator_server import REGION
from tests.lambdas import execution_role
from tests.lambdas.postgres import ROOT, Postgres, postgres


@contextmanager
def migrated(server, tmp_path_factory, number: int):
    """Create an instance with the tables of the project; see `postgres` for *number*."""
    with postgres(server, tmp_path_factory, number) as running:
        running.bootstrap()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(migrate, "DATABASE", Path(ROOT, "backend/db"))
            running.invoke({"do": "migrate"})
        yield running


@pytest.fixture(scope="session")
def instance(server, tmp_path_factory):
    """An instance with the tables of the project."""
    with migrated(server, tmp_path_factory, 3) as running:
        yield running


@pytest.fixture(scope="session")
def credentials(instance: Postgres) -> dict[str, str]:
    """Credentials of a role that may only connect as the application user."""
    arn = f"arn:aws:rds-db:{REGION}:{instance.aws.endpoint.account}:dbuser"
    statement = {
        "Effect": "Allow",
        "Action": "rds-db:connect",
        "Resource": f"{arn}:{instance.description['DbiResourceId']}/{APPLICATION}",
    }
    return execution_role.function_environment(instance.aws, statement)


@pytest.fixture
def database(instance: Postgres, credentials: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    """A database without users, and the environment of the function."""
    instance.query("TRUNCATE users CASCADE")
    for name, value in (instance.environment(APPLICATION) | credentials).items():
        monkeypatch.setenv(name, value)
    return instance
