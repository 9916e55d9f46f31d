"""Change sets as text for approval."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.aws.cloud import STACK, PropertyChange, ResourceChange
from deployer.preview.values import ResourceChange as Predicted
from deployer.preview.values import StackChange
from deployer.report import Style, question
from deployer.report.change_sets import change_lines, property_path, reviewed_lines
from tests.deployer.report.samples import added, change_set, changed

REMOVED = ResourceChange("Remove", "Queue", "AWS::SQS::Queue", policy="Delete")
NAME = PropertyChange("/Properties/Name", "a", "b", "Always", "Vpc.Name")
SUBNET = PropertyChange("/Properties/Subnets/0", None, "s-1", "Conditionally")
MIXED = change_set(
    "cluster",
    added("Topic", "AWS::SNS::Topic"),
    changed("Service", PropertyChange("/Properties/DesiredCount", "1", "2")),
    changed("Group", SUBNET, replacement="Conditional", policy="ReplaceAndRetain"),
    changed("Balancer", NAME, replacement="True", policy="ReplaceAndDelete"),
    REMOVED,
)


def test_destructive_changes_come_first() -> None:
    """Removed, replaced, possibly replaced, changed, added: in this order."""
    text = "\n".join(change_lines(MIXED, Style()))

    assert text == (
        "crd-x-cluster: 1 removed, 1 replaced, 1 may be replaced, 1 changed, 1 added\n"
        "  - Queue  AWS::SQS::Queue  is removed, and its data is deleted\n"
        "  ± Balancer  AWS::X::Y  is replaced, and the old resource is deleted\n"
        "      Name: a → b  # forces replacement, because of Vpc.Name\n"
        "  ± Group  AWS::X::Y  may be replaced, and the old resource is retained in AWS\n"
        "      Subnets[0]: (none) → s-1  # may force replacement\n"
        "  ~ Service  AWS::X::Y\n"
        "      DesiredCount: 1 → 2\n"
        "  + Topic  AWS::SNS::Topic"
    )


def test_destructive_changes_are_red() -> None:
    """The mark and the consequence are red; additions are not."""
    lines = list(change_lines(MIXED, Style(colour=True)))

    assert "\x1b[1;31mis removed, and its data is deleted\x1b[0m" in lines[1]
    assert "\x1b[1;31m±\x1b[0m Balancer" in lines[2]
    assert "31m" not in lines[-1]


def test_only_additions_are_a_short_list() -> None:
    """23 added resources take a few lines, not 23 blocks."""
    new = change_set("network", added("Vpc"), *(added(f"Subnet{n}") for n in range(1, 23)))

    lines = list(change_lines(new, Style()))

    assert lines[1].startswith("  + 23 resources: Vpc, Subnet1, Subnet2,")
    assert len(lines) < 6
    assert all(len(line) <= 100 for line in lines)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            ResourceChange("Remove", "Task", "AWS::ECS::TaskDefinition", policy="Delete"),
            "is removed",
        ),
        (
            changed("Task", NAME, replacement="True", policy="ReplaceAndDelete"),
            "is replaced, and the old resource is deleted",
        ),
    ],
)
def test_a_resource_without_data_loses_none(change: ResourceChange, expected: str) -> None:
    """Data is mentioned only for types whose resources hold data."""
    lines = list(change_lines(change_set("x", change), Style()))

    assert lines[1].endswith(f"  {expected}")


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("Delete", "is removed, and its data is deleted"),
        ("Snapshot", "is removed, after a snapshot"),
        ("Retain", "is removed from the stack, and retained in AWS"),
        ("Unknown", "is removed (Unknown)"),
        ("", "is removed"),
    ],
)
def test_a_deletion_policy_is_described(policy: str, words: str) -> None:
    """The approver sees what happens to the data of a removed resource."""
    removed = ResourceChange("Remove", "Table", "AWS::DynamoDB::Table", policy=policy)

    lines = list(change_lines(change_set("x", removed), Style()))

    assert lines[1] == f"  - Table  AWS::DynamoDB::Table  {words}"


def test_a_policy_is_not_shown_for_changes_in_place() -> None:
    """A policy is shown only for removals and replacements, although AWS always sends one."""
    lines = list(change_lines(change_set("x", changed("Table", policy="Retain")), Style()))

    assert lines[1] == "  ~ Table  AWS::X::Y"


def test_a_change_set_without_resource_changes() -> None:
    """A change set that changes only outputs is one line."""
    assert list(change_lines(change_set("x"), Style())) == ["crd-x-x: no change to a resource"]


def test_the_question_has_the_counts() -> None:
    """The question counts the changes, and its default answer is no."""
    text = question(MIXED)

    assert text.startswith("Execute on crd-x-cluster: 1 removed, 1 replaced, 1 may be")
    assert text.endswith("? [y/N] ")


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/Properties/Tags/0/Value", "Tags[0].Value"),
        ("/Properties/Name", "Name"),
        ("Properties.Name", "Name"),
        ("/DeletionPolicy", "DeletionPolicy"),
        ("Tags", "Tags"),
        ("", ""),
    ],
)
def test_a_property_path_is_short(path: str, shown: str) -> None:
    """JSON pointers and dotted names of AWS are written in one short notation."""
    assert shown == property_path(path)


def test_changes_in_nested_stacks_have_their_path() -> None:
    """Changes in nested stacks are counted and sorted with the others."""
    key = PropertyChange("/Properties/KeySchema", "a", "b", "Always")
    table = changed("Table", key, replacement="True", policy="ReplaceAndDelete")
    deep = replace(changed("Deep"), type=STACK, nested=(table, added("New")))
    whole = change_set("pipeline", replace(changed("Below"), type=STACK, nested=(deep,)))

    assert list(change_lines(whole, Style())) == [
        "crd-x-pipeline: 1 replaced, 2 changed, 1 added",
        "  ± Below/Deep/Table  AWS::X::Y  is replaced, and the old resource is deleted",
        "      KeySchema: a → b  # forces replacement",
        "  ~ Below  AWS::CloudFormation::Stack",
        "  ~ Below/Deep  AWS::CloudFormation::Stack",
        "  + Below/Deep/New  AWS::EC2::Subnet",
    ]
    assert question(whole) == "Execute on crd-x-pipeline: 1 replaced, 2 changed, 1 added? [y/N] "


def test_a_stack_is_shown_as_in_the_plan_with_what_differs() -> None:
    """The reviewer sees the properties of the plan, and each action that AWS announces otherwise."""
    table = Predicted("Table", "AWS::X::Y", "changed", source="stacks/x.py:1")
    change = StackChange("crd-x-x", "x", "ca-central-1", "updated", (table,))
    announced = change_set("x", changed("Table", replacement="True"))

    assert list(reviewed_lines(change, announced, "config/x.toml", Style())) == [
        "crd-x-x: 1 replaced",
        "  ~ Table  AWS::X::Y  (stacks/x.py:1)",
        "  ! Table: predicted: changed; CloudFormation: replaced",
    ]
