"""Send templates that must be rejected quickly, without harm to the emulator."""

from __future__ import annotations

import time
from typing import Any

import botocore.exceptions

from tests.emulator.templates import resource
from tests.emulator_server import Aws

QUICK_SECONDS = 5.0  # On a busy machine. Without limits it would take minutes or longer.
PARAMETER = resource("AWS::SSM::Parameter", Type="String", Value="x")


def rejection(aws: Aws, body: str, **options: Any) -> str:
    """Return the message with which a change set is rejected, quickly; then stacks must be listable."""
    started = time.monotonic()
    error = {"Code": "ValidationError", "Message": ""}
    try:
        aws.create_change_set("hostile", body, **options)
    except botocore.exceptions.ClientError as refused:
        error = refused.response["Error"]
    assert "ValidationError" == error["Code"], error
    assert time.monotonic() - started < QUICK_SECONDS
    assert isinstance(aws.cfn.describe_stacks()["Stacks"], list)
    assert isinstance(aws.cfn.list_stacks()["StackSummaries"], list)
    return error["Message"]
