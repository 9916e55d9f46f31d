"""Networks: who may knock where, and what stands open to the world."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deployer.policy.ingress_rules import (
    ALL_PORTS,
    are_the_internet,
    names_ports,
    networks,
    overlap,
    ports,
)
from deployer.policy.model import Resource, Templates, Violation, each
from deployer.policy.values import get, many, true

_BROWSERS = ((80, 80), (443, 443))  # The ports that browsers connect to.
_INLINE = {"Ingress": "SecurityGroupIngress", "Egress": "SecurityGroupEgress"}

no_addresses_unasked = each(
    "EC2::Subnet",
    ok=lambda one: not true(one.get("MapPublicIpOnLaunch")),
    message="gives whatever starts in it a public address",
)


def closed_to_the_world(templates: Templates) -> Iterator[Violation]:
    """Only a load balancer is asked by everyone, and only as browsers ask."""
    fronts = _groups_of(templates, "ElasticLoadBalancingV2::LoadBalancer", "SecurityGroups")
    rules = [*_rules(templates, "Ingress")]
    for group, owner, rule in rules:
        if fronts & {*group} and ports(rule) in _BROWSERS:
            continue
        beside = [
            network
            for other_group, other_owner, other in rules
            if ((other_group or [other_owner]) == (group or [owner])) and overlap(rule, other)
            for network in networks(templates, other_owner, other)
        ]
        if any(networks(templates, owner, rule)) and are_the_internet(beside):
            yield owner.found(f"is open to the world: ports {_shown(rule)}")


def ports_named(templates: Templates) -> Iterator[Violation]:
    """Every port of a neighbour is too many of them."""
    for _, owner, rule in _rules(templates, "Ingress"):
        if not names_ports(rule):
            yield owner.found("lets all ports in")


def described(templates: Templates) -> Iterator[Violation]:
    """A rule that says why it is there can be deleted one day."""
    for way in _INLINE:
        for _, owner, rule in _rules(templates, way):
            if not get(rule, "Description"):
                yield owner.found(f"does not say what ports {_shown(rule)} are open for")


def databases_by_group(templates: Templates) -> Iterator[Violation]:
    """An address says where somebody is, a group who it is."""
    data = _groups_of(templates, "RDS::DBInstance", "VPCSecurityGroups")
    data |= _groups_of(templates, "RDS::DBCluster", "VpcSecurityGroupIds")
    for group, owner, rule in _rules(templates, "Ingress"):
        if data & {*group} and not get(rule, "SourceSecurityGroupId"):
            yield owner.found("lets addresses reach a database, not a security group")


def databases_away(templates: Templates) -> Iterator[Violation]:
    """No subnet of a database has a route to an internet gateway."""
    open_ = {*_open_subnets(templates)}
    for one in templates.of("RDS::DBSubnetGroup"):
        for subnet in templates.reached(one.stack, one.get("SubnetIds")):
            if subnet in open_:
                yield one.found(f"puts a database into {subnet.title}, which the internet reaches")


def _open_subnets(templates: Templates) -> Iterator[Resource]:
    tables = {
        table
        for route in templates.of("EC2::Route")
        if any(
            gateway.type == "AWS::EC2::InternetGateway"
            for gateway in templates.reached(route.stack, route.get("GatewayId"))
        )
        for table in templates.reached(route.stack, route.get("RouteTableId"))
    }
    for one in templates.of("EC2::SubnetRouteTableAssociation"):
        if tables & {*templates.reached(one.stack, one.get("RouteTableId"))}:
            yield from templates.reached(one.stack, one.get("SubnetId"))


def _groups_of(templates: Templates, type_: str, property_: str) -> set[Resource]:
    return {
        group
        for one in templates.of(type_)
        for group in templates.reached(one.stack, one.get(property_))
    }


def _rules(templates: Templates, way: str) -> Iterator[tuple[list[Resource], Resource, Any]]:
    """Each rule with the group it belongs to and the resource that says it."""
    for group in templates.of("EC2::SecurityGroup"):
        for rule in many(group.get(_INLINE[way])):
            yield [group], group, rule
    for one in templates.of(f"EC2::SecurityGroup{way}"):
        yield [*templates.reached(one.stack, one.get("GroupId"))], one, one.properties


def _shown(rule: Any) -> str:
    first, last = ports(rule)
    if first is None or (first, last) == ALL_PORTS:
        return "all"
    return str(first) if first == last else f"{first} to {last}"
