"""An RDS instance of the emulator with TLS and IAM authentication, for the tests of functions."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

import emulator
from migrate import handler as migrate
from stacks.database import APPLICATION, MASTER, MIGRATOR
from tests.emulator_server import REGION, Aws

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOT = migrate.__file__.rpartition("/lambdas/")[0]
DATABASE_NAME = "cruddur"


@dataclass(frozen=True)
class Postgres:
    """A running instance, as RDS describes it, and the file of its certificate authority."""

    aws: Aws
    description: dict[str, Any]
    ca_file: Path

    def environment(self, user: str) -> dict[str, str]:
        """Return the variables of a function that connects as *user*; its role has all permissions."""
        endpoint = self.description["Endpoint"]
        return {
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.aws.endpoint.url,
            "AWS_ACCESS_KEY_ID": self.aws.endpoint.access_key,
            "AWS_SECRET_ACCESS_KEY": self.aws.endpoint.secret_key,
            "PGHOST": endpoint["Address"],
            "PGPORT": str(endpoint["Port"]),
            "PGDATABASE": DATABASE_NAME,
            "PGUSER": user,
            "PGSSLROOTCERT": str(self.ca_file),
            "APPLICATION_USER": APPLICATION,
        }

    def master_credentials(self) -> dict[str, str]:
        """Return the user name and the password of the master user, from Secrets Manager."""
        arn = self.description["MasterUserSecret"]["SecretArn"]
        secret = self.aws.client("secretsmanager").get_secret_value(SecretId=arn)
        credentials: dict[str, str] = json.loads(secret["SecretString"])
        return credentials

    def connect(self, user: str) -> psycopg.Connection[Any]:
        """Return a connection for the test, as *user*."""
        login = {"user": user, "password": self._password(user), "dbname": DATABASE_NAME}
        address = {
            "host": self.description["Endpoint"]["Address"],
            "port": self.description["Endpoint"]["Port"],
        }
        tls = {"sslmode": "verify-full", "sslrootcert": str(self.ca_file)}
        return psycopg.connect(**login, **address, **tls, autocommit=True)

    def query(self, statement: str, *values: object) -> list[Any]:
        """Run *statement* as the migrator, which owns the tables, and return its rows."""
        with self.connect(MIGRATOR) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def bootstrap(self) -> dict[str, list[str]]:
        """Create the two database users."""
        return self.invoke({"do": "bootstrap"} | self.master_credentials())

    def invoke(self, event: dict[str, Any]) -> dict[str, list[str]]:
        """Invoke the migrate function with the variables that its stack sets."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment(MIGRATOR).items():
                patch.setenv(name, value)
            return migrate.handler(event, None)

    def _password(self, user: str) -> str:
        master = self.master_credentials()
        if user == master["username"]:
            return master["password"]
        endpoint = self.description["Endpoint"]
        rds = self.aws.client("rds")
        return str(rds.generate_db_auth_token(endpoint["Address"], endpoint["Port"], user))


@contextmanager
def postgres(
    server: emulator.Endpoint, tmp_path_factory: pytest.TempPathFactory, number: int
) -> Iterator[Postgres]:
    """Create an instance in an account that no other *number* and no other worker uses."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "emulator"
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    aws = Aws(emulator.as_account(server, f"5{number:03}{worker:08}"))
    rds = aws.client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier="database",
        DBName=DATABASE_NAME,
        Engine="postgres",
        EngineVersion="18.6",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername=MASTER,
        ManageMasterUserPassword=True,
        EnableIAMDatabaseAuthentication=True,
    )
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="database")
    [description] = rds.describe_db_instances()["DBInstances"]
    try:
        yield Postgres(aws, description, emulator.status(folder).ca)
    finally:
        rds.delete_db_instance(DBInstanceIdentifier="database", SkipFinalSnapshot=True)
