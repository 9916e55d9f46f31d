"""What `deploy` has made, as somebody finds it who has the checkout and its outputs."""

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
    """All layers, as somebody finds them who has the checkout and its outputs."""

    checkout: Checkout
    endpoint: Endpoint
    known: dict[str, dict[str, str]]

    def client(self, service: str) -> Any:
        """A client with the rights of the account."""
        return self.checkout.client(service)

    def role(self, name: str, *statements: dict[str, Any]) -> boto3.Session:
        """A session of a new role that may do what *statements* allow, and nothing else."""
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole"}
        trust |= {"Principal": {"AWS": f"arn:aws:iam::{self.endpoint.account}:root"}}
        iam = self.client("iam")
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
        assumed = self.client("sts").assume_role(RoleArn=made["Arn"], RoleSessionName="test")
        own = assumed["Credentials"]
        return boto3.Session(
            aws_access_key_id=own["AccessKeyId"],
            aws_secret_access_key=own["SecretAccessKey"],
            aws_session_token=own["SessionToken"],
            region_name=REGION,
        )

    @contextlib.contextmanager
    def anonymous(self, service: str) -> Any:
        """A client of somebody without an account."""
        config = Config(signature_version=UNSIGNED)
        client = boto3.client(service, REGION, endpoint_url=self.endpoint.url, config=config)
        yield client
        client.close()

    def connect(self, **how: Any) -> psycopg.Connection[Any]:
        """Connect to the database the safest way there is, unless *how* says otherwise."""
        database = self.known["database"]
        safest = {
            "host": database["Address"],
            "port": database["Port"],
            "dbname": database["Name"],
            "sslmode": "verify-full",
            "sslrootcert": str(emulator.status(self.checkout.emulator).ca),
        }
        return psycopg.connect(**safest | how, autocommit=True)

    def master(self, **how: Any) -> psycopg.Connection[Any]:
        """Connect as the master, with the password that RDS keeps."""
        arn = self.known["database"]["MasterSecret"]
        kept = self.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
        secret = json.loads(kept)
        return self.connect(user=secret["username"], password=secret["password"], **how)

    def application(self) -> psycopg.Connection[Any]:
        """Connect as the application, with a token."""
        known = self.known["database"]
        where, user = (known["Address"], int(known["Port"])), known["Application"]
        token = self.client("rds").generate_db_auth_token(*where, user)
        return self.connect(user=user, password=token)

    def refused(self, **how: Any) -> str:
        """Connect in vain; what the database said."""
        with pytest.raises(psycopg.OperationalError) as failed, self.connect(**how):
            pass
        return str(failed.value)

    def put(self, bucket: str, key: str, body: bytes, kind: str = "image/jpeg") -> None:
        """Put an object into a bucket."""
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType=kind)


def document(*statements: dict[str, Any]) -> str:
    """A policy of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def described(checkout: Checkout) -> Deployed:
    """What is deployed from *checkout*, as its outputs tell."""
    known: dict[str, dict[str, str]] = {}
    for each in json.loads(checkout.run("outputs", "--format=json").out)["outputs"]:
        known.setdefault(each["stack"].split("-", 2)[2], {})[each["output"]] = each["value"]
    return Deployed(checkout, checkout.endpoint, known)


def code_of(call: Any) -> str:
    """The code of the error that *call* ends with."""
    with pytest.raises(ClientError) as failed:
        call()
    return str(failed.value.response["Error"]["Code"])
