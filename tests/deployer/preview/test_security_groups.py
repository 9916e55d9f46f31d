"""Changed rules of security groups."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.preview.security_groups import GROUP, is_rule_property, rule_changes

HTTPS: dict[str, Any] = {
    "IpProtocol": "tcp",
    "FromPort": 443,
    "ToPort": 443,
    "CidrIp": "10.0.0.0/16",
}
TEXT = "ingress tcp 443 from 10.0.0.0/16"


def change(before: list[Any], after: list[Any]) -> list[tuple[str, str, str, bool]]:
    """Return the changes of the ingress rules of a group."""
    found = rule_changes(GROUP, {"SecurityGroupIngress": before}, {"SecurityGroupIngress": after})
    return [(item.direction, item.before, item.after, item.grants) for item in found]


@pytest.mark.parametrize(
    ("edit", "direction", "after", "grants"),
    [
        ({"CidrIp": "0.0.0.0/0"}, "widened", "ingress tcp 443 from 0.0.0.0/0", True),
        ({"CidrIp": "10.0.1.0/24"}, "narrowed", "ingress tcp 443 from 10.0.1.0/24", False),
        ({"FromPort": 0, "ToPort": 1000}, "widened", "ingress tcp 0-1000 from 10.0.0.0/16", True),
        ({"IpProtocol": "-1"}, "widened", "ingress all traffic from 10.0.0.0/16", True),
        ({"FromPort": 80, "ToPort": 80}, "changed", "ingress tcp 80 from 10.0.0.0/16", True),
    ],
)
def test_directions(edit: dict[str, Any], direction: str, after: str, grants: bool) -> None:
    """More ports or addresses widen a rule."""
    assert change([HTTPS], [HTTPS | edit]) == [(direction, TEXT, after, grants)]


def test_added_and_removed_rules() -> None:
    """A rule of another source is another rule."""
    other = {"IpProtocol": "tcp", "FromPort": "443", "SourceSecurityGroupId": {"Ref": "Group"}}

    assert change([HTTPS], [other]) == [
        ("removed", TEXT, "", False),
        ("added", "", "ingress tcp 443 from Group", True),
    ]


def test_a_description_is_no_change_of_a_rule() -> None:
    """Another description is not reported as a change of the rule."""
    assert change([HTTPS], [HTTPS | {"Description": "x"}]) == []


def test_separate_rules() -> None:
    """A rule that is a resource of its own is compared like one of a group."""
    type_ = "AWS::EC2::SecurityGroupEgress"
    egress = {"IpProtocol": "-1", "CidrIpv6": "::/0", "GroupId": "x"}

    (found,) = rule_changes(type_, {}, egress)

    assert (found.direction, found.after) == ("added", "egress all traffic to ::/0")


def test_which_properties_are_parts_of_rules() -> None:
    """Only the rules of a group explain changes of its properties."""
    assert is_rule_property(GROUP, ("Properties", "SecurityGroupIngress", "[0]"))
    assert not is_rule_property(GROUP, ("Properties", "GroupDescription"))
    assert is_rule_property("AWS::EC2::SecurityGroupIngress", ("Properties", "FromPort"))
    assert not is_rule_property("AWS::S3::Bucket", ("Properties", "FromPort"))
