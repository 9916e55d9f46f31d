"""Add network resource types that MiniStack lacks, and validate subnets and security groups."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from emulator.ministack import cloudformation, lookup, services
from emulator.ministack.cloudformation import Attributes, Created, Props, ResourceType
from emulator.ministack.context import text_of
from emulator.ministack.services import call_ec2
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "A VPC has the attribute CidrBlock.",
        source="AWS::EC2::VPC, return values",
        ministack="Unknown attribute.",
        test="test_vpc_cidr",
    ),
    Difference(
        "VPCCidrBlock assigns an IPv6 block to a VPC; GetAtt Ipv6CidrBlocks returns it.",
        source="AWS::EC2::VPCCidrBlock; AWS::EC2::VPC, return values",
        ministack="Unknown type.",
        test="test_ipv6",
    ),
    Difference(
        "SecurityGroupIngress and SecurityGroupEgress are rules of their security group.",
        source="AWS::EC2::SecurityGroupIngress",
        ministack="Unknown types.",
        test="test_separate_rules",
    ),
    Difference(
        "EC2's API returns the EIPs, NAT gateways and flow logs of a stack, with the tags of the stack.",
        source="AWS::EC2::EIP, NatGateway, FlowLog",
        ministack="Unknown types.",
        test="test_nat_and_flow_log",
    ),
    Difference(
        "A subnet must be in the range of its VPC, and subnets must not overlap.",
        source="EC2 error codes InvalidSubnet.Range, InvalidSubnet.Conflict",
        ministack="Accepted.",
        test="test_subnet_ranges",
    ),
    Difference(
        "The VPC of a security group must exist.",
        source="EC2 error code InvalidVpcID.NotFound",
        ministack="Accepted.",
        test="cloudformation/test_resource_events.py::test_failed_update",
    ),
)
UPSTREAM = True

_VPC = ResourceType("AWS::EC2::VPC")
_SECURITY_GROUP = ResourceType("AWS::EC2::SecurityGroup")
_SUBNET = ResourceType("AWS::EC2::Subnet")
_IPV6_BLOCKS = "_ipv6_blocks"

_vpcs: Any = lookup.attribute(services.ec2, "_vpcs")
_addresses: Any = lookup.attribute(services.ec2, "_addresses")


def install() -> None:
    """Install the patch."""
    _VPC.after(lambda vpc, _props: _cidr_attributes(vpc))
    _SECURITY_GROUP.create.before(_check_security_group)
    _SUBNET.create.before(_check_subnet)
    for direction in ("Ingress", "Egress"):
        _add_rule_type(direction)
    cloudformation.add_type(
        "AWS::EC2::VPCCidrBlock",
        create=_add_ipv6_block,
        update=lambda association, _old, _new, _stack: (association, {}),
        delete=_remove_ipv6_block,
    )
    _add_tagged_type("AWS::EC2::EIP", _allocate_address, _release_address, _address_attributes)
    _add_tagged_type(
        "AWS::EC2::NatGateway",
        _create_nat_gateway,
        _delete_nat_gateway,
        lambda nat_gateway: {"NatGatewayId": nat_gateway},
    )
    _add_tagged_type(
        "AWS::EC2::FlowLog", _create_flow_log, _delete_flow_log, lambda flow_log: {"Id": flow_log}
    )


def _add_tagged_type(
    name: str,
    create: Callable[[Props], str],
    delete: Callable[[str, Props], None],
    attributes: Callable[[str], Attributes],
) -> None:
    """Add a resource type for which every change except one of tags is a replacement."""

    def create_and_tag(_title: str, props: Props, _stack: str) -> Created:
        physical_id = create(props)
        values = attributes(physical_id)
        cloudformation.tag_ec2(values.get("AllocationId", physical_id), props)
        return physical_id, values

    def update_tags(physical_id: str, old: Props, new: Props, _stack: str) -> Created:
        values = attributes(physical_id)
        cloudformation.tag_ec2(values.get("AllocationId", physical_id), new, old)
        return physical_id, values

    cloudformation.add_type(name, create=create_and_tag, update=update_tags, delete=delete)
    cloudformation.STACK_TAG_PROPERTIES[name] = ("Tags", "list")


def _cidr_attributes(vpc: str) -> Attributes:
    record = _vpcs[vpc]
    return {"CidrBlock": record["CidrBlock"], "Ipv6CidrBlocks": record.get(_IPV6_BLOCKS, [])}


def _add_ipv6_block(_title: str, props: Props, _stack: str) -> Created:
    """Assign an IPv6 block of the range for documentation, derived from the id of the VPC."""
    vpc = props["VpcId"]
    if not props.get("AmazonProvidedIpv6CidrBlock"):
        raise ValueError(
            "the emulator supports only AmazonProvidedIpv6CidrBlock (docs/emulator.md)"
        )
    number = int.from_bytes(hashlib.sha256(vpc.encode()).digest()[:2])
    _vpcs[vpc][_IPV6_BLOCKS] = [f"2001:db8:{number:x}::/56"]
    _update_attributes(vpc)
    return f"vpc-cidr-assoc-{vpc.removeprefix('vpc-')}", {}


def _remove_ipv6_block(_association: str, props: Props) -> None:
    vpc = props["VpcId"]
    if vpc in _vpcs:
        _vpcs[vpc].pop(_IPV6_BLOCKS, None)
        _update_attributes(vpc)


def _update_attributes(vpc: str) -> None:
    """Update the attributes for GetAtt, which MiniStack sets only when the VPC is created."""
    for stack in cloudformation.stacks.values():
        for resource in stack["_resources"].values():
            if resource["PhysicalResourceId"] == vpc:
                resource["Attributes"].update(_cidr_attributes(vpc))


def _check_security_group(_title: str, props: Props, _stack: str) -> Created | None:
    vpc = props.get("VpcId")
    if vpc and vpc not in _vpcs:
        raise services.refusal(f"The vpc ID '{vpc}' does not exist", "Ec2")
    return None


def _check_subnet(_title: str, props: Props, _stack: str) -> Created | None:
    vpc = _vpcs.get(props["VpcId"])
    if vpc is None:
        raise services.refusal(f"The vpc ID '{props['VpcId']}' does not exist", "Ec2")
    block = ip_network(props["CidrBlock"])
    if not block.subnet_of(ip_network(vpc["CidrBlock"])):  # type: ignore[arg-type]  # Both are IPv4.
        raise services.refusal(f"The CIDR '{block}' is invalid.", "Ec2")
    for other in services.subnets.values():
        if other["VpcId"] == props["VpcId"] and block.overlaps(ip_network(other["CidrBlock"])):
            raise services.refusal(f"The CIDR '{block}' conflicts with another subnet", "Ec2")
    return None


def _add_rule_type(direction: str) -> None:
    """Add the resource type of a separate security group rule."""

    def create(_title: str, props: Props, _stack: str) -> Created:
        response = call_ec2(f"AuthorizeSecurityGroup{direction}", **_rule_parameters(props))
        rule = text_of(response, "securityGroupRuleId")
        return rule, {"Id": rule}

    def delete(rule: str, props: Props) -> None:
        call_ec2(
            f"RevokeSecurityGroup{direction}",
            GroupId=props["GroupId"],
            SecurityGroupRuleId_1=rule,
        )

    def update(rule: str, old: Props, new: Props, stack: str) -> Created:
        delete(rule, old)
        return create("", new, stack)

    name = f"AWS::EC2::SecurityGroup{direction}"
    cloudformation.add_type(name, create=create, update=update, delete=delete)


def _rule_parameters(props: Props) -> dict[str, str]:
    prefix = "IpPermissions_1_"
    query = {"GroupId": props["GroupId"], f"{prefix}IpProtocol": str(props["IpProtocol"])}
    for name, key in (
        ("FromPort", "FromPort"),
        ("ToPort", "ToPort"),
        ("CidrIp", "IpRanges_1_CidrIp"),
        ("CidrIpv6", "Ipv6Ranges_1_CidrIpv6"),
        ("SourceSecurityGroupId", "Groups_1_GroupId"),
        ("DestinationSecurityGroupId", "Groups_1_GroupId"),
        ("SourcePrefixListId", "PrefixListIds_1_PrefixListId"),
        ("DestinationPrefixListId", "PrefixListIds_1_PrefixListId"),
    ):
        if name in props:
            query[f"{prefix}{key}"] = str(props[name])
    return query


def _allocate_address(_props: Props) -> str:
    return text_of(call_ec2("AllocateAddress", Domain="vpc"), "publicIp")


def _address_attributes(address: str) -> Attributes:
    allocation = next(
        record["AllocationId"] for record in _addresses.values() if record["PublicIp"] == address
    )
    return {"PublicIp": address, "AllocationId": allocation}


def _release_address(address: str, _props: Props) -> None:
    call_ec2("ReleaseAddress", AllocationId=_address_attributes(address)["AllocationId"])


def _create_nat_gateway(props: Props) -> str:
    if props["SubnetId"] not in services.subnets:
        raise services.refusal(f"The subnet ID '{props['SubnetId']}' does not exist", "Ec2")
    allocation = props.get("AllocationId", "")
    response = call_ec2("CreateNatGateway", SubnetId=props["SubnetId"], AllocationId=allocation)
    return text_of(response, "natGatewayId")


def _delete_nat_gateway(nat_gateway: str, _props: Props) -> None:
    call_ec2("DeleteNatGateway", NatGatewayId=nat_gateway)


def _create_flow_log(props: Props) -> str:
    response = call_ec2(
        "CreateFlowLogs",
        ResourceId_1=props["ResourceId"],
        ResourceType=props["ResourceType"],
        TrafficType=props.get("TrafficType", "ALL"),
        LogDestinationType=props.get("LogDestinationType", "cloud-watch-logs"),
        LogDestination=props.get("LogDestination", ""),
        LogGroupName=props.get("LogGroupName", ""),
    )
    return text_of(response, "item")


def _delete_flow_log(flow_log: str, _props: Props) -> None:
    call_ec2("DeleteFlowLogs", FlowLogId_1=flow_log)
