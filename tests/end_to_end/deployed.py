"""The deployed stacks, their outputs, and connections to their database and services."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import Any

import boto3
import psycopg
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

import emulator
from emulator import Endpoint
from tests.emulator_server import REGION
from tests.end_to_end.checkout import Checkout


@dataclass(frozen=True)
class Deployed:
    """The deployed stacks; *outputs* has their outputs by stack and name."""

    checkout: Checkout
    endpoint: Endpoint
    outputs: dict[str, dict[str, str]]

    def client(self, service: str) -> Any:
        """Return a client with all permissions in the account."""
        return self.checkout.client(service)

    def role(self, name: str, *statements: dict[str, Any]) -> boto3.Session:
        """Create a role with the policy *statements*, assume it, and return the session."""
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole"}
        trust |= {"Principal": {"AWS": f"arn:aws:iam::{self.endpoint.account}:root"}}
        iam = self.client("iam")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
        assumed = self.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="test")
        credentials = assumed["Credentials"]
        return boto3.Session(
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
            region_name=REGION,
        )

    @contextlib.contextmanager
    def anonymous(self, service: str) -> Any:
        """Yield a client without credentials."""
        config = Config(signature_version=UNSIGNED)
        client = boto3.client(service, REGION, endpoint_url=self.endpoint.url, config=config)
        yield client
        client.close()

    def connect(self, **parameters: Any) -> psycopg.Connection[Any]:
        """Connect to the database with a verified certificate; *parameters* override the defaults."""
        database = self.outputs["database"]
        defaults = {
            "host": database["Address"],
            "port": database["Port"],
            "dbname": database["Name"],
            "sslmode": "verify-full",
            "sslrootcert": str(emulator.status(self.checkout.emulator).ca),
        }
        return psycopg.connect(**defaults | parameters, autocommit=True)

    def master(self, **parameters: Any) -> psycopg.Connection[Any]:
        """Connect as the master user, with the password in the secret that RDS manages."""
        arn = self.outputs["database"]["MasterSecret"]
        text = self.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
        secret = json.loads(text)
        return self.connect(user=secret["username"], password=secret["password"], **parameters)

    def application(self) -> psycopg.Connection[Any]:
        """Connect as the application's user, with an IAM token."""
        return self.connect_with_token(self.outputs["database"]["Application"])

    def connect_with_token(self, user: str) -> psycopg.Connection[Any]:
        """Connect as *user*, with an IAM token."""
        database = self.outputs["database"]
        host_and_port = database["Address"], int(database["Port"])
        token = self.client("rds").generate_db_auth_token(*host_and_port, user)
        return self.connect(user=user, password=token)

    def refused(self, **parameters: Any) -> str:
        """Return the error of a connection that the database refuses."""
        with pytest.raises(psycopg.OperationalError) as failed, self.connect(**parameters):
            pass
        return str(failed.value)

    def put(self, bucket: str, key: str, body: bytes, kind: str = "image/jpeg") -> None:
        """Write an object to a bucket."""
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType=kind)


def document(*statements: dict[str, Any]) -> str:
    """Return a policy document with *statements*."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def describe_deployment(checkout: Checkout) -> Deployed:
    """Return the deployed stacks of *checkout* with their outputs."""
    outputs: dict[str, dict[str, str]] = {}
    for row in json.loads(checkout.run("outputs", "--format=json").out)["outputs"]:
        outputs.setdefault(row["stack"].split("-", 2)[2], {})[row["output"]] = row["value"]
    return Deployed(checkout, checkout.endpoint, outputs)


def code_of(call: Any) -> str:
    """Return the error code of AWS with which *call* fails."""
    with pytest.raises(ClientError) as failed:
        call()
    return str(failed.value.response["Error"]["Code"])
