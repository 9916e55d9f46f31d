"""The plan as people read it, where it touches data."""

from __future__ import annotations

from deployer import report
from deployer.aws.cloud import DeployedStack
from deployer.data_loss import DataLoss
from deployer.plan import Keep, Update
from tests.fakes import desired_stack

STACK = desired_stack("messages")
FOUND = DeployedStack(STACK.name, "arn", STACK.region, "CREATE_COMPLETE")
LOSS = DataLoss("Table", "AWS::DynamoDB::Table", "is removed", "its data is deleted")


def test_what_data_would_feel_stands_below_the_stack() -> None:
    """Before anything moves, each resource that holds data is named with what becomes of it."""
    step = Update(STACK, FOUND, "template changed", data_losses=(LOSS,))

    assert report.plan_text([step]).splitlines() == [
        "crd-x-messages  update  template changed",
        "                data: Table (AWS::DynamoDB::Table) is removed: its data is deleted",
        "1 stack: 1 update",
    ]


def test_a_plan_without_losses_has_no_such_line() -> None:
    """A line that is always there is one that nobody reads."""
    steps = [Update(STACK, FOUND, "tags changed"), Keep(STACK, FOUND, "unchanged")]

    assert "data:" not in report.plan_text(steps)
