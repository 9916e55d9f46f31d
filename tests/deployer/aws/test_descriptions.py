"""The conversion of CloudFormation's responses to values."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.aws.cloud import DeployedStack
from deployer.aws.descriptions import deployed_stack, validation_failure

VALIDATION = {"ValidationStatusReason": "the bucket exists"}
HOOK = {"HookStatusReason": "the hook refused"}
RESOURCE = {"ResourceStatusReason": "no permission"}


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        (VALIDATION | HOOK | RESOURCE, "the bucket exists"),
        (HOOK | RESOURCE, "the hook refused"),
        (RESOURCE, "no permission"),
        ({"ValidationStatusReason": "", **RESOURCE}, "no permission"),
    ],
    ids=["validation", "hook", "resource", "empty"],
)
def test_a_failure_has_the_most_specific_reason(reasons: dict[str, str], expected: str) -> None:
    """AWS reports reasons in several fields; the most specific field is used."""
    event: Any = {"LogicalResourceId": "Bucket", **reasons}

    assert validation_failure(event) == f"Bucket: {expected}"


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({"ValidationPath": "/Resources/B", "LogicalResourceId": "B"}, "/Resources/B: no"),
        ({"LogicalResourceId": "B"}, "B: no"),
        ({}, "no"),
    ],
)
def test_a_failure_has_the_most_specific_place(place: dict[str, str], expected: str) -> None:
    """A failure has its most specific place, or only the reason if there is no place."""
    event: Any = {**place, "ValidationStatusReason": "no"}

    assert expected == validation_failure(event)


def test_a_stack_without_optional_values() -> None:
    """A stack in review has no more than a name and a status."""
    stack: Any = {"StackName": "s", "StackStatus": "REVIEW_IN_PROGRESS"}

    assert DeployedStack("s", "", "r", "REVIEW_IN_PROGRESS") == deployed_stack(stack, "r")


def test_a_stack_with_all_values() -> None:
    """Each value of the response is in its field."""
    stack: Any = {
        "StackName": "s",
        "StackId": "arn",
        "StackStatus": "UPDATE_ROLLBACK_FAILED",
        "StackStatusReason": "no permission",
        "Tags": [{"Key": "env", "Value": "x"}],
        "Parameters": [{"ParameterKey": "P", "ParameterValue": "1"}],
        "Outputs": [{"OutputKey": "O", "OutputValue": "2"}],
        "EnableTerminationProtection": True,
        "ParentId": "arn:parent",
    }

    assert deployed_stack(stack, "r") == DeployedStack(
        name="s",
        id="arn",
        region="r",
        status="UPDATE_ROLLBACK_FAILED",
        reason="no permission",
        tags={"env": "x"},
        parameters={"P": "1"},
        outputs={"O": "2"},
        is_protected=True,
        is_nested=True,
    )
