"""Rules for security groups and subnets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deployer.policy.ingress_rules import (
    ALL_PORTS,
    has_narrow_range,
    networks,
    ports,
    ports_overlap,
    span_the_internet,
)
from deployer.policy.model import Resource, Templates, Violation, for_each_resource
from deployer.policy.values import as_list, get, is_true

_HTTP_PORTS = ((80, 80), (443, 443))
_INLINE = {"Ingress": "SecurityGroupIngress", "Egress": "SecurityGroupEgress"}

no_automatic_public_ip = for_each_resource(
    "EC2::Subnet",
    is_valid=lambda subnet: not is_true(subnet.get("MapPublicIpOnLaunch")),
    message="assigns public IP addresses: MapPublicIpOnLaunch is true",
)


def closed_to_the_internet(templates: Templates) -> Iterator[Violation]:
    """Only a load balancer accepts connections from the internet, and only to ports 80 and 443.

    The networks of all rules of a security group for a common port are added up, because many small
    networks together can be the internet.
    """
    load_balancer_groups = _groups_of(
        templates, "ElasticLoadBalancingV2::LoadBalancer", "SecurityGroups"
    )
    rules = [*_rules(templates, "Ingress")]
    for groups, owner, rule in rules:
        if load_balancer_groups & {*groups} and ports(rule) in _HTTP_PORTS:
            continue
        allowed = [
            network
            for other_groups, other_owner, other in rules
            if (other_groups or [other_owner]) == (groups or [owner]) and ports_overlap(rule, other)
            for network in networks(templates, other_owner, other)
        ]
        if any(networks(templates, owner, rule)) and span_the_internet(allowed):
            yield owner.violation(f"is open to the internet: ports {_port_range(rule)}")


def narrow_port_ranges(templates: Templates) -> Iterator[Violation]:
    """An ingress rule allows fewer than half of all ports, also if its source is a security group."""
    for _, owner, rule in _rules(templates, "Ingress"):
        if not has_narrow_range(rule):
            yield owner.violation("allows all ports, or at least half of them")


def rules_described(templates: Templates) -> Iterator[Violation]:
    """Every rule has a description: without one, an operator cannot decide whether it is still needed."""
    for direction in _INLINE:
        for _, owner, rule in _rules(templates, direction):
            if not get(rule, "Description"):
                yield owner.violation(f"has a rule without description: ports {_port_range(rule)}")


def databases_by_group(templates: Templates) -> Iterator[Violation]:
    """Ingress rules of databases have security groups as sources, not addresses, which any host can get."""
    database_groups = _groups_of(templates, "RDS::DBInstance", "VPCSecurityGroups")
    database_groups |= _groups_of(templates, "RDS::DBCluster", "VpcSecurityGroupIds")
    for groups, owner, rule in _rules(templates, "Ingress"):
        if database_groups & {*groups} and not get(rule, "SourceSecurityGroupId"):
            yield owner.violation("allows addresses to reach a database, not a security group")


def databases_in_private_subnets(templates: Templates) -> Iterator[Violation]:
    """No subnet of a database has a route to an internet gateway."""
    public = {*_public_subnets(templates)}
    for resource in templates.of_type("RDS::DBSubnetGroup"):
        for subnet in templates.referenced(resource.stack, resource.get("SubnetIds")):
            if subnet in public:
                yield resource.violation(
                    f"has the public subnet {subnet.title}: it has a route to an internet gateway"
                )


def _public_subnets(templates: Templates) -> Iterator[Resource]:
    tables = {
        table
        for route in templates.of_type("EC2::Route")
        if any(
            gateway.type == "AWS::EC2::InternetGateway"
            for gateway in templates.referenced(route.stack, route.get("GatewayId"))
        )
        for table in templates.referenced(route.stack, route.get("RouteTableId"))
    }
    for resource in templates.of_type("EC2::SubnetRouteTableAssociation"):
        if tables & {*templates.referenced(resource.stack, resource.get("RouteTableId"))}:
            yield from templates.referenced(resource.stack, resource.get("SubnetId"))


def _groups_of(templates: Templates, type_: str, property_: str) -> set[Resource]:
    return {
        group
        for resource in templates.of_type(type_)
        for group in templates.referenced(resource.stack, resource.get(property_))
    }


def _rules(templates: Templates, direction: str) -> Iterator[tuple[list[Resource], Resource, Any]]:
    """Yield each rule with its security groups and the resource that defines it."""
    for group in templates.of_type("EC2::SecurityGroup"):
        for rule in as_list(group.get(_INLINE[direction])):
            yield [group], group, rule
    for resource in templates.of_type(f"EC2::SecurityGroup{direction}"):
        groups = [*templates.referenced(resource.stack, resource.get("GroupId"))]
        yield groups, resource, resource.properties


def _port_range(rule: Any) -> str:
    first, last = ports(rule)
    if first is None or (first, last) == ALL_PORTS:
        return "all"
    return str(first) if first == last else f"{first} to {last}"
