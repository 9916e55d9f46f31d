"""Tests of phases that are predicted without an account."""

from __future__ import annotations

from deployer.model.template_tree import desired_templates
from deployer.phases.offline import with_phases
from deployer.preview.changes import preview
from deployer.preview.reviewed import ReviewedStack
from tests.deployer.phases.situations import TOPIC, importing, stack, topic

REF = {"Ref": "Topic"}
SOURCE = stack("a", {"Topic": topic("old"), "Rest": TOPIC}, {"Topic": REF})
READER = stack("b", {"Reader": importing("a-Topic")}, needs=["a"])


def phases(before, after):
    """Return the phases and the refusals of each changed stack by its short name."""
    old, new = (
        [
            ReviewedStack(item.short_name, item.name, item.region, desired_templates(item))
            for item in side
        ]
        for side in (before, after)
    )
    found = with_phases(preview("x", old, new), after, old)
    return {item.short_name: (item.phases, item.refusals) for item in found.stacks}


def test_removed_export() -> None:
    """The exporting stack is updated in two steps, its importer in one."""
    after = [stack("a", {"Rest": TOPIC}), stack("b", {"Reader": importing()}, needs=["a"])]

    assert phases([SOURCE, READER], after) == {
        "a": ("in 2 steps: keeps Topic until the update of b", ()),
        "b": ("", ()),
    }


def test_replaced_resource() -> None:
    """The importer is pinned first."""
    after = [stack("a", {"Topic": topic("new"), "Rest": TOPIC}, {"Topic": REF}), READER]

    assert phases([SOURCE, READER], after) == {
        "a": ("in 2 steps: retains the replaced Topic until the update of b", ()),
        "b": ("in 2 steps: pins its imports of Topic of a to their current values", ()),
    }


def test_without_a_safe_way() -> None:
    """The reason is part of the change of the stack."""
    before, after = (
        stack(
            "a",
            {"Topic": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": name}}},
            {"Topic": REF},
        )
        for name in ("old", "new")
    )

    _, refusals = phases([before, READER], [after, READER])["a"]

    assert refusals == ("replaced while in use, and holds data: Topic",)


def test_without_exports_in_use() -> None:
    """Other changes have no phases."""
    assert phases([SOURCE], [stack("a", {"Rest": TOPIC})]) == {"a": ("", ())}
