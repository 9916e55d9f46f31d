"""Compare the rules of security groups: added, removed, widened or narrowed."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from deployer.policy.values import as_list, as_mapping
from deployer.preview.values import Direction, RuleChange

GROUP = "AWS::EC2::SecurityGroup"
_SECTIONS = {"SecurityGroupIngress": "ingress", "SecurityGroupEgress": "egress"}
_SEPARATE = {
    "AWS::EC2::SecurityGroupIngress": "ingress",
    "AWS::EC2::SecurityGroupEgress": "egress",
}
_PEERS = (
    "CidrIp",
    "CidrIpv6",
    "SourceSecurityGroupId",
    "DestinationSecurityGroupId",
    "SourceSecurityGroupName",
    "SourcePrefixListId",
    "DestinationPrefixListId",
)
_EVERY_PORT = (0, 65535)
_KNOWN = {"IpProtocol", "FromPort", "ToPort", "Description", "GroupId", "GroupName", *_PEERS}


@dataclass(frozen=True)
class Rule:
    """One rule: *ports* is None if a port is not known, *peer* is a CIDR block or a group."""

    direction: str
    protocol: str
    ports: tuple[int, int] | None
    peer: str
    ports_text: str = ""

    def __str__(self) -> str:
        """Return the rule as a line, such as ingress tcp 443 from 0.0.0.0/0."""
        word = "from" if self.direction == "ingress" else "to"
        protocol = "all traffic" if self.protocol == "-1" else f"{self.protocol} {self.ports_text}"
        return f"{self.direction} {protocol} {word} {self.peer}"

    def covers(self, other: Rule) -> bool:
        """Return whether all traffic that *other* allows is allowed by this rule."""
        return (
            self.direction == other.direction
            and self.protocol in {other.protocol, "-1"}
            and self._covers_ports(other)
            and _covers_peer(self.peer, other.peer)
        )

    def has_other_ports_than(self, other: Rule) -> bool:
        """Return whether the rules differ in nothing but their ports."""
        return replace(self, ports=other.ports, ports_text=other.ports_text) == other

    def _covers_ports(self, other: Rule) -> bool:
        if self.protocol == "-1":
            return True
        if self.ports is None or other.ports is None:
            return self.ports_text == other.ports_text
        return self.ports[0] <= other.ports[0] and other.ports[1] <= self.ports[1]


def is_rule_property(type_: str, path: Sequence[str]) -> bool:
    """Return whether the property at *path* is part of a rule."""
    if type_ == GROUP:
        return len(path) > 1 and path[1] in _SECTIONS
    return type_ in _SEPARATE and len(path) > 1 and path[1] in _KNOWN - {"Description"}


def rule_changes(
    type_: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[RuleChange, ...]:
    """Return the changes of the rules in the properties of a resource."""
    return tuple(_compare([*rules(type_, before)], [*rules(type_, after)]))


def rules(type_: str, properties: Mapping[str, Any]) -> Iterator[Rule]:
    """Yield the rules of a security group, or of a resource that adds one to a group."""
    if type_ == GROUP:
        for section, direction in _SECTIONS.items():
            for rule in as_list(properties.get(section)):
                yield _rule(direction, as_mapping(rule))
    elif type_ in _SEPARATE and properties:
        yield _rule(_SEPARATE[type_], properties)


def _rule(direction: str, properties: Mapping[str, Any]) -> Rule:
    protocol = str(properties.get("IpProtocol", "-1"))
    first, last = properties.get("FromPort"), properties.get("ToPort", properties.get("FromPort"))
    peer = next((properties[key] for key in _PEERS if key in properties), "")
    text = _text(first) if first == last else f"{_text(first)}-{_text(last)}"
    if first is None:
        return Rule(direction, protocol, _EVERY_PORT, _text(peer), "all ports")
    return Rule(direction, protocol, _ports(first, last), _text(peer), text)


def _ports(first: Any, last: Any) -> tuple[int, int] | None:
    try:
        return int(first), int(last)
    except (TypeError, ValueError):
        return None


def _compare(old: list[Rule], new: list[Rule]) -> Iterator[RuleChange]:
    removed = [rule for rule in old if rule not in new]
    added = [rule for rule in new if rule not in old]
    for rule in list(removed):
        other = next((item for item in added if item.covers(rule) or rule.covers(item)), None)
        if other is not None:
            is_wider = other.covers(rule)
            direction: Direction = "widened" if is_wider else "narrowed"
            yield RuleChange(direction, str(rule), str(other), is_wider)
            removed.remove(rule)
            added.remove(other)
    for rule in list(removed):
        moved = next((item for item in added if item.has_other_ports_than(rule)), None)
        if moved is not None:
            yield RuleChange("changed", str(rule), str(moved), grants=True)
            removed.remove(rule)
            added.remove(moved)
    for rule in removed:
        yield RuleChange("removed", str(rule), "", grants=False)
    for rule in added:
        yield RuleChange("added", "", str(rule), grants=True)


def _covers_peer(one: str, other: str) -> bool:
    if one == other:
        return True
    try:
        wide, narrow = ipaddress.ip_network(one), ipaddress.ip_network(other)
    except ValueError:
        return False
    return wide.version == narrow.version and narrow.subnet_of(wide)  # type: ignore[arg-type]  # the versions are equal


def _text(value: Any) -> str:
    """Return a port, a CIDR block or a reference as text."""
    match value:
        case str() | int():
            return str(value)
        case {"Ref": str(name)}:
            return name
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"{name}.{attribute}"
        case {"Fn::ImportValue": str(name)}:
            return name
        case _:
            return json.dumps(value, sort_keys=True, default=str)
