"""The explanation of an ECS service whose tasks do not start."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from deployer.aws.cloud import StackEvent
from operations.service_failures import explain
from tests.operations.fake_account import Account, Client, aws_error

ARN = "arn:aws:ecs:r:1:service/crd-x-cluster/crd-x-backend"
STEADY = "(service crd-x-backend) has reached a steady state."
NO_CAPACITY = "(service crd-x-backend) was unable to place a task."
TASKS = [
    {"stoppedAt": "1", "stoppedReason": "Task failed ELB health checks"},
    {
        "stoppedAt": "2",
        "stoppedReason": "Essential container in task exited",
        "containers": [{"reason": "OutOfMemoryError: container killed"}],
    },
    {"stoppedAt": "0", "stoppedReason": "Task failed ELB health checks"},
]


def failure(*, type_: str = "AWS::ECS::Service", physical_id: str = ARN) -> StackEvent:
    """Return the failure event of a resource."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return StackEvent("1", "arn:stack", "Service", physical_id, type_, "CREATE_FAILED", "", at)


def account(**answers: object) -> Account:
    """Return an account whose ECS has *answers*."""
    ready = {
        "list_tasks": [{"taskArns": ["1", "2", "3"]}],
        "describe_tasks": {"tasks": TASKS},
        "describe_services": {
            "services": [{"events": [{"message": NO_CAPACITY}, {"message": STEADY}]}]
        },
    }
    return Account({}, {"ecs": Client(**(ready | answers))})


def test_stopped_tasks_come_before_service_events() -> None:
    """Each reason is listed once, the newest first; a steady state is no explanation."""
    assert explain(account(), "r", failure()) == (
        "stopped task: Essential container in task exited; OutOfMemoryError: container killed",
        "stopped task: Task failed ELB health checks",
        f"service event: {NO_CAPACITY}",
    )


@pytest.mark.parametrize(
    "event",
    [
        failure(type_="AWS::ECS::Cluster"),
        failure(physical_id=""),  # The service was not created.
        failure(physical_id="arn:aws:ecs:r:1:service/old-format"),
    ],
)
def test_other_failures_are_not_explained(event: StackEvent) -> None:
    """ECS is not asked."""
    assert explain(Account({}, {}), "r", event) == ()


def test_without_permission_there_is_no_explanation() -> None:
    """The reason of CloudFormation is reported anyway."""
    assert explain(account(describe_services=aws_error()), "r", failure()) == ()
