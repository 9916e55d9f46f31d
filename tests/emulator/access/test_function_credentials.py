"""Credentials of Lambda functions."""

from __future__ import annotations

import hashlib
import json

from emulator.access import function_credentials
from emulator.ministack import credentials
from tests.emulator.access.attacker import (
    UNKNOWN_KEY,
    client,
    error_code,
)
from tests.emulator.functions import ROLE, code, function
from tests.emulator.templates import att, template
from tests.emulator_server import Aws


def test_saved_function_sessions_are_deleted() -> None:
    """Sessions of functions that an earlier version saved are deleted: their keys are predictable."""
    sessions = credentials.sessions
    assumed = {"AccountId": "123456789012", "Arn": "arn:aws:sts::123456789012:assumed-role/a/b"}
    sessions |= {"ASIAFUNCTION": {"Arn": "arn:aws:sts::1:assumed-role/a/f"}, "ASIAROLE": assumed}

    function_credentials.delete_sessions()

    assert {"ASIAROLE": assumed} == dict(sessions.items())
    del sessions["ASIAROLE"]


PRINT_KEYS = """
import json, os

def handler(event, context):
    return json.dumps([os.environ[name] for name in (
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")])
"""


def test_function_keys_cannot_be_computed(aws: Aws) -> None:
    """The keys of a function cannot be computed from its ARN and its role's ARN."""
    body = template(Role=ROLE, Printer=function(code(aws, PRINT_KEYS))) | {
        "Outputs": {
            "Function": {"Value": att("Printer", "Arn")},
            "Role": {"Value": att("Role", "Arn")},
        }
    }
    aws.deploy("s", body, Capabilities=["CAPABILITY_IAM"])
    outputs = aws.outputs("s")
    invoked = aws.client("lambda").invoke(FunctionName=outputs["Function"])["Payload"].read()
    key, secret, token = json.loads(json.loads(invoked))
    digest = hashlib.sha256(f"{outputs['Function']}:{outputs['Role']}".encode()).hexdigest()
    computed = (
        f"ASIA{digest[:16].upper()}",
        hashlib.sha256(f"secret:{digest}".encode()).hexdigest(),
        hashlib.sha256(f"token:{digest}".encode()).hexdigest(),
    )

    caller = client(aws.endpoint, "sts", key, secret, token).get_caller_identity()
    assert ":assumed-role/" in caller["Arn"]
    assert aws.endpoint.secret_key not in (key, secret, token)
    assert error_code(client(aws.endpoint, "sts", *computed).get_caller_identity) in UNKNOWN_KEY
