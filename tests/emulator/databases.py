"""RDS DB instances for tests."""

from __future__ import annotations

import contextlib
import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.emulator.templates import att, resource, template
from tests.emulator_server import REGION, Aws

ATTRIBUTES = {
    "Address": "Endpoint.Address",
    "Port": "Endpoint.Port",
    "Arn": "DBInstanceArn",
    "Id": "DbiResourceId",
}


SECRET = {"Secret": "MasterUserSecret.SecretArn"}


def database(*, policy: str = "Delete", **properties: Any) -> dict[str, Any]:
    """Return a DB instance; without a password, RDS manages the master password in a secret."""
    managed = {} if "MasterUserPassword" in properties else {"ManageMasterUserPassword": True}
    defaults = {
        "Engine": "postgres",
        "DBInstanceClass": "db.t4g.micro",
        "AllocatedStorage": "20",
        "MasterUsername": "cruddur_root",
        "EnableIAMDatabaseAuthentication": True,
    }
    instance = resource("AWS::RDS::DBInstance", **defaults | managed | properties)
    return instance | {"DeletionPolicy": policy, "UpdateReplacePolicy": policy}


def stack(instance: dict[str, Any], **resources: Any) -> dict[str, Any]:
    """Return a template of the instance and other resources, with outputs for a connection."""
    attributes = ATTRIBUTES | ({} if "MasterUserPassword" in instance["Properties"] else SECRET)
    outputs = {key: {"Value": att("Database", name)} for key, name in attributes.items()}
    return template(Database=instance, **resources) | {"Outputs": outputs}


@dataclass(frozen=True)
class DeployedDatabase:
    """A database with the outputs of its stack."""

    aws: Aws
    outputs: dict[str, str]
    ca: Path

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        """Connect as the master user with full verification of TLS, except for *options*."""
        defaults = {
            "host": self.outputs["Address"],
            "port": self.outputs["Port"],
            "dbname": "postgres",
            "sslmode": "verify-full",
            "sslrootcert": str(self.ca),
        }
        if "user" not in options:
            secrets = self.aws.client("secretsmanager")
            value = secrets.get_secret_value(SecretId=self.outputs["Secret"])["SecretString"]
            secret = json.loads(value)
            defaults |= {"user": secret["username"], "password": secret["password"]}
        return psycopg.connect(**defaults | options, autocommit=True)

    def connection_error(self, **options: Any) -> str:
        """Return the message of the error that connecting raises."""
        with pytest.raises(psycopg.OperationalError) as failed, self.connect(**options):
            pass
        return str(failed.value)

    def arn(self, user: str) -> str:
        """Return the resource of a policy that allows rds-db:connect as *user*."""
        account = self.aws.endpoint.account
        return f"arn:aws:rds-db:{REGION}:{account}:dbuser:{self.outputs['Id']}/{user}"

    def token(self, user: str, aws: Aws | None = None) -> str:
        """Return an authentication token for *user*, signed with the keys of *aws*."""
        token: str = (
            (aws or self.aws)
            .client("rds")
            .generate_db_auth_token(self.outputs["Address"], int(self.outputs["Port"]), user)
        )
        return token


def policy(*statements: dict[str, Any]) -> str:
    """Return a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def remaining(folder: Path, *databases: dict[str, str]) -> list[str]:
    """Return the ids of the databases that still have files or processes."""
    ids = [outputs["Id"] for outputs in databases]
    return [id_ for id_ in ids if (folder / "databases" / id_).exists() or processes(id_)]


def processes(text: str) -> list[int]:
    """Return the ids of the processes with *text* in their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if text.encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found


def is_open(port: int) -> bool:
    """Return whether a process listens on *port*."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
