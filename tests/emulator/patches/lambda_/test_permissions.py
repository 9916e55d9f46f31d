"""Permissions of functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.emulator.templates import resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws

S3 = "s3.amazonaws.com"


def test_unknown_function(aws: Aws) -> None:
    """A permission for a function that does not exist fails its stack.

    AWS: AddPermission, ResourceNotFoundException.
    """
    source = "arn:aws:s3:::bucket"
    missing = resource(
        "AWS::Lambda::Permission",
        FunctionName="missing",
        Action="lambda:InvokeFunction",
        Principal=S3,
        SourceArn=source,
    )

    stack = aws.deploy("s", template(Permission=missing))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("Function not found: missing" in reason for *_, reason in aws.events("s"))
