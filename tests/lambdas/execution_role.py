"""Credentials of a role with given rights, as Lambda hands them to a function."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.emulator_server import Aws

REGION = "ca-central-1"


def function_environment(aws: Aws, *statements: Mapping[str, Any]) -> dict[str, str]:
    """What a function finds around it whose role may do what *statements* say, and no more."""
    account = aws.endpoint.account
    trusted = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}}
    trust = _policy(trusted | {"Action": "sts:AssumeRole"})
    iam = aws.client("iam")
    role = iam.create_role(RoleName="function", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName="function", PolicyName="own", PolicyDocument=_policy(*statements))
    assumed = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="function")
    own = assumed["Credentials"]
    return {
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": aws.endpoint.url,
        "AWS_ACCESS_KEY_ID": own["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": own["SecretAccessKey"],
        "AWS_SESSION_TOKEN": own["SessionToken"],
    }


def _policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
