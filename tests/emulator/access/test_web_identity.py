"""Tokens of web identities."""

from __future__ import annotations

import base64
import json
from typing import Any

from botocore import UNSIGNED
from botocore.config import Config

import emulator
from emulator.access import web_identity
from tests.emulator.access.attacker import (
    NO_RETRIES,
    client,
    error_code,
)
from tests.emulator_server import Aws

SECRET = "s" * 40


def test_token_is_valid_with_its_secret_only() -> None:
    """A token contains the claims; it is not valid with another secret, or if it is changed."""
    token = web_identity.web_identity_token(SECRET, {"sub": "me"})
    claims = token.split(".")[1]

    assert json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))) == {"sub": "me"}
    assert web_identity.is_web_identity_token(SECRET, token)
    assert not web_identity.is_web_identity_token("t" * 40, token)
    for changed in (
        "",
        ".",
        "..",
        token + "x",
        token.replace(claims, "e30"),
        token.rpartition(".")[0],
    ):
        assert not web_identity.is_web_identity_token(SECRET, changed)


def test_token_of_an_attacker_is_refused(aws: Aws) -> None:
    """AssumeRoleWithWebIdentity refuses a token with an invalid signature."""
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": f"arn:aws:iam::{aws.endpoint.account}:oidc-provider/ci.example"},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = aws.client("iam").create_role(RoleName="ci", AssumeRolePolicyDocument=document)["Role"]
    claims = {"iss": "https://ci.example", "aud": "sts.amazonaws.com", "sub": "me"}
    valid = emulator.web_identity_token(aws.endpoint, claims)
    head, body, signature = valid.split(".")
    sts = client(aws.endpoint, "sts", config=NO_RETRIES.merge(Config(signature_version=UNSIGNED)))

    def assume(token: str) -> Any:
        return sts.assume_role_with_web_identity(
            RoleArn=role["Arn"], RoleSessionName="attacker", WebIdentityToken=token
        )

    assert assume(valid)["Credentials"]["AccessKeyId"].startswith("ASIA")
    for token in (f"{head}.{body}.", f"{head}.{body}.e30", f"{head}.{body[:-4]}.{signature}"):
        assert error_code(lambda token=token: assume(token)) == "InvalidIdentityToken"
