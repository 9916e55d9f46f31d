"""EC2's part of a network: types the emulator lacks, made by its own API; and what EC2 refuses."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from emulator import ministack
from emulator.ministack import Props, ask_ec2, text_of

Made = tuple[str, dict[str, Any]]
Create = Callable[[str, Props, str], Made]

_IPV6 = "_ipv6_blocks"


def close() -> None:
    """Add the missing types and attributes, and EC2's refusals to what creates the others."""
    ministack.wrap_type("AWS::EC2::VPC", "create", _with_blocks)
    ministack.wrap_type("AWS::EC2::VPC", "update", _with_blocks)
    ministack.wrap_type("AWS::EC2::SecurityGroup", "create", _in_existing_vpc)
    ministack.wrap_type("AWS::EC2::Subnet", "create", _in_free_range)
    for direction in ("Ingress", "Egress"):
        ministack.TYPES[f"AWS::EC2::SecurityGroup{direction}"] = _rule_type(direction)
    ministack.TYPES["AWS::EC2::VPCCidrBlock"] = {
        "create": _give_ipv6,
        "update": lambda made, _old, _new, _stack: (made, {}),
        "delete": _take_ipv6,
    }
    _add("AWS::EC2::EIP", _allocate, _release, _address)
    _add("AWS::EC2::NatGateway", _create_nat, _delete_nat, lambda nat: {"NatGatewayId": nat})
    _add("AWS::EC2::FlowLog", _create_flow_log, _delete_flow_log, lambda log: {"Id": log})


def _add(
    kind: str,
    create: Callable[[Props], str],
    delete: Callable[[str, Props], None],
    attributes: Callable[[str], dict[str, str]],
) -> None:
    """Register a type that only its tags can change of (gaps.replacement sees to the rest)."""

    def creating(_title: str, props: Props, _stack: str) -> Made:
        made = create(props)
        ministack.tag_ec2(attributes(made).get("AllocationId", made), props)
        return made, attributes(made)

    def updating(made: str, old: Props, new: Props, _stack: str) -> Made:
        ministack.tag_ec2(attributes(made).get("AllocationId", made), new, old)
        return made, attributes(made)

    ministack.TYPES[kind] = {"create": creating, "update": updating, "delete": delete}
    ministack.TAGGED[kind] = ("Tags", "list")


def _with_blocks(make: Callable[..., Made]) -> Callable[..., Made]:
    def making(*args: Any) -> Made:
        made, attributes = make(*args)
        return made, {**attributes, **_blocks(made)}

    return making


def _blocks(vpc: str) -> dict[str, Any]:
    kept = ministack.store(ministack.ec2, "_vpcs")[vpc]
    return {"CidrBlock": kept["CidrBlock"], "Ipv6CidrBlocks": kept.get(_IPV6, [])}


def _give_ipv6(_title: str, props: Props, _stack: str) -> Made:
    """Give a VPC its IPv6 block, one of the range for documentation, told apart by its id."""
    vpcs, vpc = ministack.store(ministack.ec2, "_vpcs"), props["VpcId"]
    if not props.get("AmazonProvidedIpv6CidrBlock"):
        raise ValueError("here only AmazonProvidedIpv6CidrBlock is known (docs/emulator.md)")
    number = int.from_bytes(hashlib.sha256(vpc.encode()).digest()[:2])
    vpcs[vpc][_IPV6] = [f"2001:db8:{number:x}::/56"]
    _tell_stacks(vpc)
    return f"vpc-cidr-assoc-{vpc.removeprefix('vpc-')}", {}


def _take_ipv6(_association: str, props: Props) -> None:
    vpcs, vpc = ministack.store(ministack.ec2, "_vpcs"), props["VpcId"]
    if vpc in vpcs:
        vpcs[vpc].pop(_IPV6, None)
        _tell_stacks(vpc)


def _tell_stacks(vpc: str) -> None:
    """Let GetAtt see what the VPC has now: the emulator remembers what it had when made."""
    for stack in ministack.stacks.values():
        for resource in stack["_resources"].values():
            if resource["PhysicalResourceId"] == vpc:
                resource["Attributes"].update(_blocks(vpc))


def _in_existing_vpc(create: Create) -> Create:
    def creating(title: str, props: Props, stack: str) -> Made:
        vpc = props.get("VpcId")
        if vpc and vpc not in ministack.store(ministack.ec2, "_vpcs"):
            message = f"The vpc ID '{vpc}' does not exist (Service: Ec2, Status Code: 400)"
            raise ValueError(message)
        return create(title, props, stack)

    return creating


def _in_free_range(create: Create) -> Create:
    def creating(title: str, props: Props, stack: str) -> Made:
        vpc = ministack.store(ministack.ec2, "_vpcs").get(props["VpcId"])
        if vpc is None:
            message = (
                f"The vpc ID '{props['VpcId']}' does not exist (Service: Ec2, Status Code: 400)"
            )
            raise ValueError(message)
        wanted = ip_network(props["CidrBlock"])
        if not wanted.subnet_of(ip_network(vpc["CidrBlock"])):  # type: ignore[arg-type]  # Both are IPv4.
            message = f"The CIDR '{wanted}' is invalid. (Service: Ec2, Status Code: 400)"
            raise ValueError(message)
        for other in ministack.store(ministack.ec2, "_subnets").values():
            if other["VpcId"] == props["VpcId"] and wanted.overlaps(ip_network(other["CidrBlock"])):
                message = f"The CIDR '{wanted}' conflicts with another subnet"
                raise ValueError(f"{message} (Service: Ec2, Status Code: 400)")
        return create(title, props, stack)

    return creating


def _rule_type(direction: str) -> dict[str, Any]:
    """Return the type of a rule that stands apart from its group."""

    def create(_title: str, props: Props, _stack: str) -> Made:
        made = ask_ec2(f"AuthorizeSecurityGroup{direction}", **_permission(props))
        rule = text_of(made, "securityGroupRuleId")
        return rule, {"Id": rule}

    def delete(rule: str, props: Props) -> None:
        ask_ec2(
            f"RevokeSecurityGroup{direction}",
            GroupId=props["GroupId"],
            SecurityGroupRuleId_1=rule,
        )

    def update(_rule: str, old: Props, new: Props, stack: str) -> Made:
        delete(_rule, old)
        return create("", new, stack)

    return {"create": create, "update": update, "delete": delete}


def _permission(props: Props) -> dict[str, str]:
    start = "IpPermissions_1_"
    query = {"GroupId": props["GroupId"], f"{start}IpProtocol": str(props["IpProtocol"])}
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
            query[f"{start}{key}"] = str(props[name])
    return query


def _allocate(_props: Props) -> str:
    return text_of(ask_ec2("AllocateAddress", Domain="vpc"), "publicIp")


def _address(address: str) -> dict[str, str]:
    kept = ministack.store(ministack.ec2, "_addresses").values()
    allocation = next(one["AllocationId"] for one in kept if one["PublicIp"] == address)
    return {"PublicIp": address, "AllocationId": allocation}


def _release(address: str, _props: Props) -> None:
    ask_ec2("ReleaseAddress", AllocationId=_address(address)["AllocationId"])


def _create_nat(props: Props) -> str:
    if props["SubnetId"] not in ministack.store(ministack.ec2, "_subnets"):
        message = f"The subnet ID '{props['SubnetId']}' does not exist"
        raise ValueError(f"{message} (Service: Ec2, Status Code: 400)")
    allocation = props.get("AllocationId", "")
    made = ask_ec2("CreateNatGateway", SubnetId=props["SubnetId"], AllocationId=allocation)
    return text_of(made, "natGatewayId")


def _delete_nat(gateway: str, _props: Props) -> None:
    ask_ec2("DeleteNatGateway", NatGatewayId=gateway)


def _create_flow_log(props: Props) -> str:
    made = ask_ec2(
        "CreateFlowLogs",
        ResourceId_1=props["ResourceId"],
        ResourceType=props["ResourceType"],
        TrafficType=props.get("TrafficType", "ALL"),
        LogDestinationType=props.get("LogDestinationType", "cloud-watch-logs"),
        LogDestination=props.get("LogDestination", ""),
        LogGroupName=props.get("LogGroupName", ""),
    )
    return text_of(made, "item")


def _delete_flow_log(log: str, _props: Props) -> None:
    ask_ec2("DeleteFlowLogs", FlowLogId_1=log)
