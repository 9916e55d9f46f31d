"""The steps of plans as text."""

from __future__ import annotations

from deployer.aws.cloud import DeployedStack
from deployer.data_loss import DataLoss
from deployer.plan import Keep, Step, Update
from deployer.report.plan import plan_lines
from deployer.report.style import Style
from tests.fakes import desired_stack

STACK = desired_stack("messages")
FOUND = DeployedStack(STACK.name, "arn", STACK.region, "CREATE_COMPLETE")
LOSS = DataLoss("Table", "AWS::DynamoDB::Table", "is removed", "its data is deleted")


def lines(*steps: Step) -> list[str]:
    """Return the lines of a plan without orphans and uploads."""
    return [*plan_lines(steps, (), (), Style())]


def test_data_loss_is_below_the_stack() -> None:
    """Each resource with data that the plan affects is named, with the consequence."""
    step = Update(STACK, FOUND, "template changed", data_losses=(LOSS,))

    assert lines(step) == [
        "crd-x-messages  update  template changed",
        "                data: Table (AWS::DynamoDB::Table) is removed: its data is deleted",
        "1 stack: 1 update",
    ]


def test_no_data_loss() -> None:
    """A plan without data loss has no line about data."""
    steps = [Update(STACK, FOUND, "tags changed"), Keep(STACK, FOUND, "unchanged")]

    assert "data:" not in "".join(lines(*steps))


def test_unchanged_stacks_share_a_line() -> None:
    """Several unchanged stacks are one line, after those that change."""
    steps = [Keep(STACK, FOUND, "unchanged"), Update(STACK, FOUND, "tags changed")]

    assert lines(steps[0], *steps) == [
        "crd-x-messages  update  tags changed",
        "2 stacks        keep    unchanged",
        "3 stacks: 1 update, 2 keep",
    ]


def test_nothing_to_do_is_one_line() -> None:
    """A plan without changes is only the count."""
    assert lines(*[Keep(STACK, FOUND, "unchanged")] * 2) == ["2 stacks: 2 keep"]
