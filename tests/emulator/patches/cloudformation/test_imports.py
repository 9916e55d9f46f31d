"""Imports of resources that another update retained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.emulator.templates import template

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def subnet(cidr: str, **attributes: str) -> dict[str, Any]:
    """Return a subnet of the VPC in the test."""
    return {
        "Type": "AWS::EC2::Subnet",
        "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": cidr},
        **attributes,
    }


def test_import_of_replaced_resource(aws: Aws) -> None:
    """A subnet that was replaced and retained is imported, and deleted by the next update.

    AWS: "Resource type support" (user guide) lists the types that can be imported.
    """
    vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
    aws.deploy("s", template(Vpc=vpc, Subnet=subnet("10.0.0.0/24")))
    resources = aws.cfn.describe_stack_resources(StackName="s")["StackResources"]
    old = {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in resources}["Subnet"]
    new = subnet("10.0.1.0/24", UpdateReplacePolicy="Retain")
    aws.deploy("s", template(Vpc=vpc, Subnet=new))
    imported = subnet("10.0.0.0/24", DeletionPolicy="Delete")

    arn = aws.create_change_set(
        "s",
        template(Vpc=vpc, Subnet=new, Old=imported),
        ChangeSetType="IMPORT",
        ResourcesToImport=[
            {
                "ResourceType": "AWS::EC2::Subnet",
                "LogicalResourceId": "Old",
                "ResourceIdentifier": {"SubnetId": old},
            }
        ],
    )
    aws.cfn.execute_change_set(ChangeSetName=arn)
    aws.cfn.get_waiter("stack_import_complete").wait(StackName="s")
    after_import = subnets(aws)
    aws.deploy("s", template(Vpc=vpc, Subnet=new))

    assert after_import == ["10.0.0.0/24", "10.0.1.0/24"]
    assert subnets(aws) == ["10.0.1.0/24"]


def subnets(aws: Aws) -> list[str]:
    """Return the CIDR blocks of the subnets that are not default ones."""
    found = aws.client("ec2").describe_subnets()["Subnets"]
    return sorted(item["CidrBlock"] for item in found if item["CidrBlock"].startswith("10."))
