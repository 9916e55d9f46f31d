"""Send templates that must be rejected without harm to the emulator."""

from __future__ import annotations

from typing import Any

import botocore.exceptions

from tests.emulator.templates import resource
from tests.emulator_server import Aws

PARAMETER = resource("AWS::SSM::Parameter", Type="String", Value="x")


def rejection(aws: Aws, body: str, **options: Any) -> str:
    """Return the message with which a change set is rejected; then stacks must be listable.

    The client stops waiting after its timeout. Without limits the emulator would take minutes.
    """
    error = {"Code": "ValidationError", "Message": ""}
    try:
        aws.create_change_set("hostile", body, **options)
    except botocore.exceptions.ClientError as refused:
        error = refused.response["Error"]
    assert error["Code"] == "ValidationError", error
    assert isinstance(aws.cfn.describe_stacks()["Stacks"], list)
    assert isinstance(aws.cfn.list_stacks()["StackSummaries"], list)
    return error["Message"]
