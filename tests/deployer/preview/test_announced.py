"""Predictions compared with change sets."""

from __future__ import annotations

from typing import get_args

import pytest

from deployer.aws.cloud import STACK, ChangeSet
from deployer.aws.cloud import ResourceChange as Announced
from deployer.preview.announced import NOT_LISTED, Disagreement, announced_action, disagreements
from deployer.preview.values import Action, ResourceChange, StackChange

TABLE = "AWS::DynamoDB::Table"


def found(predicted: dict[str, Action], *changes: Announced) -> list[tuple[str, str, str]]:
    """Return the disagreements between predicted actions and the changes of a change set."""
    resources = tuple(ResourceChange(name, TABLE, action) for name, action in predicted.items())
    change = StackChange("crd-x-a", "a", "r", "updated", resources)
    change_set = ChangeSet("arn", "n", "crd-x-a", "id", "r", "CREATE_COMPLETE", "", changes=changes)
    return [
        (item.resource, item.predicted, item.announced)
        for item in disagreements(change, change_set)
    ]


def test_equal_actions_are_no_disagreement() -> None:
    """Nothing is reported if CloudFormation announces what the plan predicts."""
    replaced = Announced("Modify", "Table", TABLE, replacement="True")

    assert found({"Table": "replaced", "New": "added"}, replaced, Announced("Add", "New", "")) == []


def test_other_actions_are_listed() -> None:
    """A resource may have another action, or be only on one side."""
    changed = Announced("Modify", "Table", TABLE)
    removed = Announced("Remove", "Old", TABLE)

    assert found({"Table": "replaced", "New": "added"}, changed, removed) == [
        ("Table", "replaced", "changed"),
        ("New", "added", NOT_LISTED),
        ("Old", NOT_LISTED, "removed"),
    ]


def test_a_changed_nested_stack_is_compared_by_its_resources() -> None:
    """A nested stack without changed resources is no difference: AWS lists every nested stack."""
    inner = Announced("Add", "Logs", TABLE)

    assert found({}, Announced("Modify", "Nested", STACK, nested=(inner,))) == [
        ("Nested/Logs", NOT_LISTED, "added")
    ]


@pytest.mark.parametrize(
    ("predicted", "announced", "expected"),
    [
        ("changed", "replaced", True),
        ("may be replaced", "replaced", True),
        ("replaced", "changed", False),
        (NOT_LISTED, "removed", True),
        ("changed", NOT_LISTED, False),
    ],
)
def test_a_more_destructive_action_is_worse(predicted: str, announced: str, expected: bool) -> None:
    """A disagreement is worse if CloudFormation destroys more than predicted."""
    assert Disagreement("Table", TABLE, predicted, announced).is_worse == expected


def test_the_actions_are_those_of_a_plan() -> None:
    """Besides the import of a resource, every announced action is one that a plan predicts."""
    changes = [
        Announced("Remove", "", ""),
        Announced("Modify", "", "", replacement="True"),
        Announced("Modify", "", "", replacement="Conditional"),
        Announced("Modify", "", "", replacement="False"),
        Announced("Add", "", ""),
    ]

    assert tuple(map(announced_action, changes)) == get_args(Action)
    assert announced_action(Announced("Import", "", "")) == "imported"
