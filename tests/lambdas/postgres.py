"""A database as the functions find it in an account: on RDS, with TLS and tokens, empty."""

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
from stacks import database as layer
from tests.emulator_server import REGION, Aws

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOT = migrate.__file__.rpartition("/lambdas/")[0]
DBNAME = "cruddur"


@dataclass(frozen=True)
class Postgres:
    """An instance, and what its stack would tell of it."""

    aws: Aws
    described: dict[str, Any]
    ca: Path

    def environment(self, user: str) -> dict[str, str]:
        """What a function finds around it that comes as *user*; its role may do everything."""
        where = self.described["Endpoint"]
        return {
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.aws.endpoint.url,
            "AWS_ACCESS_KEY_ID": self.aws.endpoint.access_key,
            "AWS_SECRET_ACCESS_KEY": self.aws.endpoint.secret_key,
            "PGHOST": where["Address"],
            "PGPORT": str(where["Port"]),
            "PGDATABASE": DBNAME,
            "PGUSER": user,
            "PGSSLROOTCERT": str(self.ca),
            "APPLICATION_USER": layer.APPLICATION,
        }

    def master(self) -> dict[str, str]:
        """User name and password of the master, as RDS keeps them."""
        arn = self.described["MasterUserSecret"]["SecretArn"]
        kept = self.aws.client("secretsmanager").get_secret_value(SecretId=arn)
        found: dict[str, str] = json.loads(kept["SecretString"])
        return found

    def connect(self, user: str) -> psycopg.Connection[Any]:
        """A connection for the test to look around with, as *user*."""
        how = {"user": user, "password": self._password(user), "dbname": DBNAME}
        where = {
            "host": self.described["Endpoint"]["Address"],
            "port": self.described["Endpoint"]["Port"],
        }
        tls = {"sslmode": "verify-full", "sslrootcert": str(self.ca)}
        return psycopg.connect(**how, **where, **tls, autocommit=True)

    def ask(self, question: str, *values: object) -> list[Any]:
        """The rows that answer *question*, asked by the owner of the tables."""
        with self.connect(layer.MIGRATOR) as connection:
            answer = connection.execute(question, values)
            return answer.fetchall() if answer.description else []

    def bootstrap(self) -> dict[str, list[str]]:
        """Have the two users made."""
        return self.call({"do": "bootstrap"} | self.master())

    def call(self, event: dict[str, Any]) -> dict[str, list[str]]:
        """Call the migrate function as it is deployed: it comes as the migrator."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment(layer.MIGRATOR).items():
                patch.setenv(name, value)
            return migrate.handler(event, None)

    def _password(self, user: str) -> str:
        master = self.master()
        if user == master["username"]:
            return master["password"]
        where = self.described["Endpoint"]
        rds = self.aws.client("rds")
        return str(rds.generate_db_auth_token(where["Address"], where["Port"], user))


@contextmanager
def postgres(
    server: emulator.Endpoint, tmp_path_factory: pytest.TempPathFactory, number: int
) -> Iterator[Postgres]:
    """An instance in an account of its own: of *number*, and of this worker."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "emulator"
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    aws = Aws(emulator.as_account(server, f"5{number:03}{worker:08}"))
    rds = aws.client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier="database",
        DBName=DBNAME,
        Engine="postgres",
        EngineVersion="18.6",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername=layer.MASTER,
        ManageMasterUserPassword=True,
        EnableIAMDatabaseAuthentication=True,
    )
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="database")
    [described] = rds.describe_db_instances()["DBInstances"]
    try:
        yield Postgres(aws, described, emulator.status(folder).ca)
    finally:
        rds.delete_db_instance(DBInstanceIdentifier="database", SkipFinalSnapshot=True)
