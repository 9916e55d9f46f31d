"""The change sets of a plan as text and JSON."""

from __future__ import annotations

import pytest

from deployer.planned_change_sets import PlannedChangeSet
from deployer.preview.values import Action, ResourceChange, StackChange
from deployer.report.planned_change_sets import planned_change_set_data, planned_change_set_lines
from deployer.report.style import Style
from tests.deployer.report.samples import change_set, changed
from tests.fakes import REGION, desired_stack

STACK = desired_stack("messages")
ANNOUNCED = change_set("messages", changed("Table", replacement="True"))


def predicted(action: Action) -> StackChange:
    """Return a stack with one resource that has this action."""
    table = ResourceChange("Table", "AWS::X::Y", action)
    return StackChange("crd-x-messages", "messages", REGION, "updated", (table,))


@pytest.mark.parametrize(
    ("planned", "action", "line"),
    [
        (
            PlannedChangeSet(STACK, "UPDATE", ANNOUNCED),
            "replaced",
            "  change set: CloudFormation announces these changes as well",
        ),
        (
            PlannedChangeSet(STACK, "UPDATE", ANNOUNCED),
            "changed",
            "  ! Table: predicted: changed; CloudFormation: replaced",
        ),
        (
            PlannedChangeSet(STACK, "UPDATE", ANNOUNCED, findings=("WARN Bucket: not empty",)),
            "replaced",
            "  ! validation: WARN Bucket: not empty",
        ),
        (
            PlannedChangeSet(STACK, "CREATE", reason="needs network.Vpc"),
            "added",
            "  no change set: needs network.Vpc",
        ),
    ],
)
def test_each_change_set_has_a_line(planned: PlannedChangeSet, action: Action, line: str) -> None:
    """The line states that both agree, where they differ, or why there is no change set."""
    assert [*planned_change_set_lines(planned, predicted(action), Style())] == [line]


def test_json_has_the_change_set_and_what_differs() -> None:
    """The document has the changes that CloudFormation announces."""
    data = planned_change_set_data(PlannedChangeSet(STACK, "UPDATE", ANNOUNCED), predicted("added"))

    assert data["change_set"]["arn"] == "arn:changeSet/messages"
    assert [(item["predicted"], item["announced"]) for item in data["disagreements"]] == [
        ("added", "replaced")
    ]
