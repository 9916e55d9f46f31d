"""Credentials of an execution role with given permissions, as Lambda passes them to a function."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.emulator_server import Aws

REGION = "ca-central-1"


def function_environment(aws: Aws, *statements: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment variables of a function whose role has only these *statements*."""
    account = aws.endpoint.account
    principal = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}}
    trust_policy = _policy(principal | {"Action": "sts:AssumeRole"})
    iam = aws.client("iam")
    role = iam.create_role(RoleName="function", AssumeRolePolicyDocument=trust_policy)["Role"]
    iam.put_role_policy(RoleName="function", PolicyName="own", PolicyDocument=_policy(*statements))
    session = aws.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="function")
    credentials = session["Credentials"]
    return {
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": aws.endpoint.url,
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
    }


def _policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
