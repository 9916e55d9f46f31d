"""Validation of resource properties against the schemas of their types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.templates import parameter, resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (resource("AWS::SNS::Topic", Name="x"), "#: extraneous key [Name] is not permitted"),
        (resource("AWS::SSM::Parameter", Value="x"), "#: required key [Type] not found"),
        (
            resource("AWS::S3::Bucket", VersioningConfiguration={"Status": "On"}),
            "#/VersioningConfiguration/Status: On is not a valid enum value",
        ),
        (
            resource("AWS::SQS::Queue", Tags=[{"Key": "a"}]),
            "#/Tags/0: required key [Value] not found",
        ),
    ],
    ids=["extraneous", "missing", "enum", "deep"],
)
def test_invalid_properties(aws: Aws, wrong: dict[str, Any], message: str) -> None:
    """Properties are checked with the schema of the type before the resource is created.

    AWS: "Properties validation failed for resource …", as in many issues
    (aws/aws-cdk#9565); the message for a wrong value is not verified.
    """
    stack = aws.deploy("s", template(Resource=wrong))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any(message in reason for *_, reason in aws.events("s"))


def test_properties_of_an_update(aws: Aws) -> None:
    """An update with invalid properties is rolled back."""
    aws.deploy("s", template(Resource=parameter("x")))

    stack = aws.deploy("s", template(Resource=parameter("y") | {"Properties": {"Value": "y"}}))

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
