"""VPCs, subnets, security groups and gateways of stacks."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.templates import att, ref, resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws

VPC = resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16")


def subnet(cidr: str = "10.0.0.0/24", zone: str = "a") -> dict[str, Any]:
    """Return a subnet of VPC."""
    return resource(
        "AWS::EC2::Subnet", VpcId=ref("Vpc"), CidrBlock=cidr, AvailabilityZone=f"ca-central-1{zone}"
    )


def security_group(**properties: Any) -> dict[str, Any]:
    """Return a security group of VPC."""
    return resource("AWS::EC2::SecurityGroup", VpcId=ref("Vpc"), GroupDescription="x", **properties)


def test_vpc_cidr(aws: Aws) -> None:
    """GetAtt CidrBlock returns the block of a VPC (AWS::EC2::VPC, return values)."""
    outputs = {"Outputs": {"Cidr": {"Value": att("Vpc", "CidrBlock")}}}

    aws.deploy("s", template(Vpc=VPC) | outputs)

    assert aws.outputs("s") == {"Cidr": "10.0.0.0/16"}


def test_separate_rules(aws: Aws) -> None:
    """Separate rules are in their security group until they are deleted.

    AWS: AWS::EC2::SecurityGroupIngress and AWS::EC2::SecurityGroupEgress.
    """
    groups = {"Vpc": VPC, "A": security_group(), "B": security_group()}
    tcp = {"IpProtocol": "tcp", "FromPort": 4567, "ToPort": 4567}
    rules = {
        "In": resource(
            "AWS::EC2::SecurityGroupIngress",
            GroupId=att("A", "GroupId"),
            SourceSecurityGroupId=att("B", "GroupId"),
            **tcp,
        ),
        "Out": resource(
            "AWS::EC2::SecurityGroupEgress",
            GroupId=att("A", "GroupId"),
            CidrIp="10.1.0.0/16",
            **tcp,
        ),
    }
    outputs = {"Outputs": {name: {"Value": att(name, "GroupId")} for name in ("A", "B")}}
    ec2 = aws.client("ec2")

    aws.deploy("s", template(**groups, **rules) | outputs)
    ids = aws.outputs("s")
    [with_rules] = ec2.describe_security_groups(GroupIds=[ids["A"]])["SecurityGroups"]
    aws.deploy("s", template(**groups) | outputs)
    [without] = ec2.describe_security_groups(GroupIds=[ids["A"]])["SecurityGroups"]

    [ingress] = with_rules["IpPermissions"]
    assert (4567, ids["B"]) == (ingress["FromPort"], ingress["UserIdGroupPairs"][0]["GroupId"])
    egress = [rule["IpRanges"][0]["CidrIp"] for rule in with_rules["IpPermissionsEgress"]]
    assert sorted(egress) == ["0.0.0.0/0", "10.1.0.0/16"]
    assert without["IpPermissions"] == []


def test_nat_and_flow_log(aws: Aws) -> None:
    """EC2's API returns the addresses, NAT gateways and flow logs of a stack, with its tags.

    AWS: AWS::EC2::EIP (Ref is the address), AWS::EC2::NatGateway, AWS::EC2::FlowLog.
    """
    body = template(
        Vpc=VPC,
        Subnet=subnet(),
        Address=resource("AWS::EC2::EIP", Domain="vpc"),
        Nat=resource(
            "AWS::EC2::NatGateway",
            SubnetId=ref("Subnet"),
            AllocationId=att("Address", "AllocationId"),
        ),
        Log=resource(
            "AWS::EC2::FlowLog",
            ResourceId=ref("Vpc"),
            ResourceType="VPC",
            TrafficType="ALL",
            LogGroupName="flows",
            DeliverLogsPermissionArn="arn:aws:iam::000000000000:role/x",
        ),
    )
    ec2 = aws.client("ec2")

    stack = aws.deploy("s", body, Tags=[{"Key": "env", "Value": "test"}])
    [address] = ec2.describe_addresses()["Addresses"]
    [nat] = ec2.describe_nat_gateways()["NatGateways"]
    [log] = ec2.describe_flow_logs()["FlowLogs"]
    aws.deploy("s", body, Tags=[{"Key": "env", "Value": "changed"}])
    [same] = ec2.describe_nat_gateways()["NatGateways"]
    aws.delete("s")

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert {"Key": "env", "Value": "test"} in address["Tags"]
    assert nat["State"] == "available"
    assert log["FlowLogStatus"] == "ACTIVE"
    assert nat["NatGatewayId"] == same["NatGatewayId"]
    assert {"Key": "env", "Value": "changed"} in same["Tags"]
    assert ec2.describe_addresses()["Addresses"] == []
    assert ec2.describe_flow_logs()["FlowLogs"] == []


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ({"Two": subnet("10.0.0.128/25")}, "conflicts with another subnet"),
        ({"Two": subnet("10.1.0.0/24")}, "The CIDR '10.1.0.0/24' is invalid"),
    ],
)
def test_subnet_ranges(aws: Aws, resources: dict[str, Any], message: str) -> None:
    """A subnet must be in the range of its VPC, and must not overlap another one.

    AWS: error codes InvalidSubnet.Range and InvalidSubnet.Conflict (EC2 API reference).
    """
    stack = aws.deploy("s", template(Vpc=VPC, One=subnet(), **resources))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any(message in reason for *_, reason in aws.events("s"))


def test_ipv6(aws: Aws) -> None:
    """GetAtt returns the IPv6 block of a VPC, which Fn::Cidr divides for subnets.

    AWS: AWS::EC2::VPCCidrBlock; AWS::EC2::VPC, return values; Fn::Cidr, "Create an IPv6-enabled VPC".
    """
    block = resource("AWS::EC2::VPCCidrBlock", VpcId=ref("Vpc"), AmazonProvidedIpv6CidrBlock=True)
    vpc_block = {"Fn::Select": [0, att("Vpc", "Ipv6CidrBlocks")]}
    second_subnet_block = {"Fn::Select": [1, {"Fn::Cidr": [vpc_block, 2, 64]}]}
    subnet_ = subnet()
    subnet_["Properties"] |= {"Ipv6CidrBlock": second_subnet_block}
    body = template(Vpc=VPC, Block=block, Subnet=subnet_ | {"DependsOn": "Block"})
    body |= {
        "Outputs": {"Block": {"Value": vpc_block}, "SubnetBlock": {"Value": second_subnet_block}}
    }

    aws.deploy("s", body)
    aws.deploy("s", body, Tags=[{"Key": "env", "Value": "changed"}])

    block, subnet_block = (ip_network(aws.outputs("s")[name]) for name in ("Block", "SubnetBlock"))
    assert (block.prefixlen, subnet_block.prefixlen) == (56, 64)
    assert subnet_block.subnet_of(block)
