"""Replacements of resources in change sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.emulator.templates import template

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def test_replacement(aws: Aws) -> None:
    """A change set has the replacements that AWS's resource schemas require.

    AWS: `createOnlyProperties` of the resource provider schemas.
    """
    vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
    aws.deploy("s", template(Vpc=vpc))

    wider = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/15"}}
    with_hostnames = {**vpc, "Properties": {**vpc["Properties"], "EnableDnsHostnames": True}}
    replacements = {}
    for name, body in (("wider", wider), ("with_hostnames", with_hostnames)):
        change_set = aws.create_change_set("s", template(Vpc=body), ChangeSetName=name)
        [change] = aws.cfn.describe_change_set(ChangeSetName=change_set)["Changes"]
        replacements[name] = change["ResourceChange"]["Replacement"]

    assert replacements == {"wider": "True", "with_hostnames": "False"}
