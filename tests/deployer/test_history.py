"""Past operations, from the events of a stack."""

from __future__ import annotations

import pytest

from deployer.follow import Watch
from deployer.history import PastOperation, last_update_seconds, past_operations
from deployer.jobs import complete
from tests.deployer.deploying import NETWORK, deploy
from tests.deployer.test_failure_stories import NAME, STORIES, account_with
from tests.fakes import REGION, FakeClock, FakeCloud, desired_stack

DELETED_IN_CREATION = """
0 stack CREATE_IN_PROGRESS User Initiated
5 stack DELETE_IN_PROGRESS User Initiated
9 stack DELETE_COMPLETE
"""
FAILED_UPDATE = """
0 stack UPDATE_IN_PROGRESS User Initiated
5 Vpc AWS::EC2::VPC UPDATE_FAILED no room
6 stack UPDATE_FAILED The following resource(s) failed to update: [Vpc].
90 stack UPDATE_ROLLBACK_IN_PROGRESS User Initiated
95 stack UPDATE_ROLLBACK_COMPLETE
100 stack UPDATE_IN_PROGRESS User Initiated
"""
TRUNCATED = """
5 Vpc AWS::EC2::VPC UPDATE_COMPLETE
6 stack UPDATE_COMPLETE
7 stack UPDATE_IN_PROGRESS
17 stack UPDATE_COMPLETE_CLEANUP_IN_PROGRESS
27 stack UPDATE_COMPLETE
"""


def history(account: FakeCloud) -> tuple[PastOperation, ...]:
    """Return the past operations of the stack."""
    stack = next(iter(account.deployed.values()))
    return complete(past_operations(Watch(account, account.clock), stack), account.clock)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (DELETED_IN_CREATION, [("create", "cancelled", 0), ("delete", "succeeded", 4)]),
        (
            FAILED_UPDATE,
            [("update", "failed", 6), ("rollback", "succeeded", 5), ("update", "running", None)],
        ),
        (TRUNCATED, [("update", "succeeded", 20)]),
        ("0 stack REVIEW_IN_PROGRESS User Initiated", []),
    ],
)
def test_events_are_split_into_operations(
    events: str, expected: list[tuple[str, str, float | None]]
) -> None:
    """An operation ends with an event of the stack, or when another operation begins."""
    found = history(account_with(events))

    assert [(past.operation, past.outcome, past.seconds) for past in found] == expected


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story["name"])
def test_a_failure_has_its_cause(story: dict[str, str]) -> None:
    """The cause is the same as in the report of the run."""
    (past,) = history(account_with(story["events"]))

    assert past.cause.startswith(story["cause"])


def test_a_deploy_is_in_the_history() -> None:
    """The durations are those of the operations."""
    account = FakeCloud(FakeClock(), seconds={NETWORK.name: 60})
    deploy(account, [NETWORK])
    deploy(account, [desired_stack("network", version=2)], run_id="second")

    found = history(account)

    assert [past.operation for past in found] == ["create", "update"]
    assert [past.outcome for past in found] == ["succeeded", "succeeded"]
    assert all(past.seconds is not None and 60 <= past.seconds < 70 for past in found)


def test_the_last_successful_update_is_the_estimate() -> None:
    """Creations and failed updates say nothing about the next update."""
    account = account_with(TRUNCATED)
    stack = account.deployed[REGION, NAME]

    assert last_update_seconds(stack, account.history[stack.id]) == 20
    failed = account_with(FAILED_UPDATE)
    assert last_update_seconds(stack, failed.history[stack.id]) is None
