"""Change sets, as people read them before they approve."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.aws.cloud import STACK, PropertyChange, ResourceChange
from deployer.report import Style, question
from deployer.report.change_sets import change_lines, property_path
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


def test_what_destroys_comes_first() -> None:
    """Removed, replaced, maybe replaced; then what is changed, then what is new."""
    text = "\n".join(change_lines(MIXED, Style()))

    assert text == (
        "crd-x-cluster: 1 removed, 1 replaced, 1 may be replaced, 1 changed, 1 added\n"
        "  - Queue  AWS::SQS::Queue  is removed, and what it holds is deleted\n"
        "  ± Balancer  AWS::X::Y  is replaced, and the old one deleted with what it holds\n"
        "      Name: a → b  # forces replacement, because of Vpc.Name\n"
        "  ± Group  AWS::X::Y  may be replaced, and the old one stays in AWS\n"
        "      Subnets[0]: (none) → s-1  # may force replacement\n"
        "  ~ Service  AWS::X::Y\n"
        "      DesiredCount: 1 → 2\n"
        "  + Topic  AWS::SNS::Topic"
    )


def test_what_destroys_is_red_on_a_terminal() -> None:
    """Its mark and what becomes of it; what is new is not."""
    lines = list(change_lines(MIXED, Style(colour=True)))

    assert "\x1b[1;31mis removed, and what it holds is deleted\x1b[0m" in lines[1]
    assert "\x1b[1;31m±\x1b[0m Balancer" in lines[2]
    assert "31m" not in lines[-1]


def test_only_additions_are_a_short_list() -> None:
    """Nobody reads 23 blocks that say the same."""
    new = change_set("network", added("Vpc"), *(added(f"Subnet{n}") for n in range(1, 23)))

    lines = list(change_lines(new, Style()))

    assert lines[1].startswith("  + 23 resources: Vpc, Subnet1, Subnet2,")
    assert len(lines) < 6
    assert all(len(line) <= 100 for line in lines)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("Delete", "is removed, and what it holds is deleted"),
        ("Snapshot", "is removed, after a snapshot of it"),
        ("Retain", "is removed from the stack, and stays in AWS"),
        ("Unheard", "is removed (Unheard)"),
        ("", "is removed"),
    ],
)
def test_a_policy_is_said_in_words(policy: str, words: str) -> None:
    """What becomes of the data is what one approves."""
    removed = ResourceChange("Remove", "Table", "AWS::X::Y", policy=policy)

    lines = list(change_lines(change_set("x", removed), Style()))

    assert lines[1] == f"  - Table  AWS::X::Y  {words}"


def test_a_policy_is_silent_where_nothing_is_destroyed() -> None:
    """AWS sends one for changes in place, too."""
    lines = list(change_lines(change_set("x", changed("Table", policy="Retain")), Style()))

    assert lines[1] == "  ~ Table  AWS::X::Y"


def test_outputs_alone_are_no_change_to_a_resource() -> None:
    """A change set without resource changes is not empty; it says so."""
    assert ["crd-x-x: no change to a resource"] == list(change_lines(change_set("x"), Style()))


def test_the_question_says_what_is_destroyed() -> None:
    """The answer defaults to no."""
    asked = question(MIXED)

    assert asked.startswith("Execute on crd-x-cluster: 1 removed, 1 replaced, 1 may be")
    assert asked.endswith("? [y/N] ")


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
def test_a_path_is_written_as_people_do(path: str, shown: str) -> None:
    """AWS has JSON pointers, or names with dots."""
    assert shown == property_path(path)


def test_what_happens_in_nested_stacks_is_shown_with_its_path() -> None:
    """It is counted and sorted as if it were in the stack itself."""
    key = PropertyChange("/Properties/KeySchema", "a", "b", "Always")
    table = changed("Table", key, replacement="True", policy="ReplaceAndDelete")
    deep = replace(changed("Deep"), type=STACK, nested=(table, added("New")))
    whole = change_set("pipeline", replace(changed("Below"), type=STACK, nested=(deep,)))

    assert list(change_lines(whole, Style())) == [
        "crd-x-pipeline: 1 replaced, 2 changed, 1 added",
        "  ± Below/Deep/Table  AWS::X::Y  is replaced, and the old one deleted with what it holds",
        "      KeySchema: a → b  # forces replacement",
        "  ~ Below  AWS::CloudFormation::Stack",
        "  ~ Below/Deep  AWS::CloudFormation::Stack",
        "  + Below/Deep/New  AWS::EC2::Subnet",
    ]
    assert question(whole) == "Execute on crd-x-pipeline: 1 replaced, 2 changed, 1 added? [y/N] "
