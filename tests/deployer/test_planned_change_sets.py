"""Change sets that are created for a plan and removed afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from deployer import plan
from deployer.aws.cloud import DeployedStack
from deployer.events import Event, Finished
from deployer.follow import Watch
from deployer.model.desired import DesiredStack
from deployer.planned_change_sets import ChangeSetReview
from deployer.preview.values import UnknownValue
from deployer.run import LatestStacks, Run
from tests.deployer.deploying import CLUSTER, NETWORK, approve
from tests.fakes import OWNER, FakeClock, FakeCloud, Killed


def deployed(stack: DesiredStack, **more: object) -> DeployedStack:
    """Return *stack* as it is deployed, with another template."""
    found = DeployedStack(stack.name, f"arn:{stack.name}", stack.region, "CREATE_COMPLETE")
    return replace(found, tags=stack.tags, outputs={"Digest": "other"}, **more)  # type: ignore[arg-type]


def account(*stacks: DeployedStack) -> FakeCloud:
    """Return an account with these stacks."""
    cloud = FakeCloud(FakeClock())
    for stack in stacks:
        cloud.put(stack)
        cloud.history[stack.id] = []
    return cloud


def review(
    cloud: FakeCloud,
    *desired: DesiredStack,
    unknown: dict[str, Sequence[UnknownValue]] | None = None,
    run_id: str = "plan-1",
) -> ChangeSetReview:
    """Return the review of a plan for these stacks."""
    known = tuple(cloud.deployed.values())
    run = Run(run_id, Watch(cloud, cloud.clock), approve, LatestStacks(known), owner=OWNER)
    return ChangeSetReview(plan.plan(desired, known), unknown or {}, run)


def test_change_sets_are_described_and_removed() -> None:
    """Afterwards the account is as it was: no change set, and no empty stack."""
    cloud = account(deployed(CLUSTER))
    reviewed = review(cloud, NETWORK, CLUSTER)

    list(reviewed.create(jobs=4))
    kinds = [(item.desired.short_name, item.kind) for item in reviewed.found]
    created = len(cloud.change_sets)
    list(reviewed.remove(jobs=4))

    assert (kinds, created) == ([("network", "CREATE"), ("cluster", "UPDATE")], 2)
    assert (cloud.change_sets, cloud.executed) == ({}, [])
    assert [name for _, name in cloud.deployed] == ["crd-x-cluster"]


def test_an_interrupt_at_any_call_leaves_nothing() -> None:
    """The change sets are found by their names, even if the response to a request was lost."""
    complete = review(account(deployed(CLUSTER)), NETWORK, CLUSTER)
    list(complete.create(jobs=2))
    calls = len(complete._run.cloud.calls)  # type: ignore[attr-defined]  # it is the fake

    for number in range(1, calls + 1):
        cloud = account(deployed(CLUSTER))
        reviewed = review(cloud, NETWORK, CLUSTER)
        cloud.kill_at = number
        with pytest.raises(Killed):
            list(reviewed.create(jobs=2))
        list(reviewed.remove(jobs=2))

        assert (number, cloud.change_sets) == (number, {})
        assert [name for _, name in cloud.deployed] == ["crd-x-cluster"]


def test_a_lost_response_leaves_nothing() -> None:
    """A change set whose ARN never arrived is removed."""

    class LostResponse(FakeCloud):
        def create_change_set(self, request: object) -> str:
            super().create_change_set(request)  # type: ignore[arg-type]  # any request
            raise KeyboardInterrupt

    cloud = LostResponse(FakeClock())
    reviewed = review(cloud, NETWORK)

    with pytest.raises(KeyboardInterrupt):
        list(reviewed.create(jobs=1))
    list(reviewed.remove(jobs=1))

    assert (cloud.change_sets, cloud.deployed) == ({}, {})


def test_a_change_set_of_another_run_is_kept() -> None:
    """Only the change set of this plan is deleted, and a stack that is in review for another one stays."""
    cloud = account()
    other = review(cloud, NETWORK, run_id="other")
    list(other.create(jobs=1))
    reviewed = review(cloud, NETWORK)

    list(reviewed.create(jobs=1))
    list(reviewed.remove(jobs=1))

    assert [request.name for request, _, _ in cloud.change_sets.values()] == ["other-network-"]
    assert [stack.status for stack in cloud.deployed.values()] == ["REVIEW_IN_PROGRESS"]


def test_a_stack_with_unknown_values_has_no_change_set() -> None:
    """A stack that imports an output that does not exist yet has no change set."""
    cloud = account()
    unknown = {"crd-x-cluster": [UnknownValue("network", "Vpc")]}
    reviewed = review(cloud, NETWORK, CLUSTER, unknown=unknown)

    list(reviewed.create(jobs=4))

    assert [(item.change_set is None, item.reason) for item in reviewed.found] == [
        (False, ""),
        (True, "needs values that are not deployed yet: network.Vpc"),
    ]


def test_findings_of_the_validation_are_kept() -> None:
    """Warnings do not prevent a change set, and are shown with it."""
    cloud = account()
    cloud.findings = {"crd-x-network": ("WARN Bucket: is not empty",)}
    reviewed = review(cloud, NETWORK)

    list(reviewed.create(jobs=1))

    assert [item.findings for item in reviewed.found] == [("WARN Bucket: is not empty",)]


def test_a_failed_creation_has_its_reason() -> None:
    """A refusal of AWS is the reason why there is no change set; the other stacks have theirs."""
    cloud = account(deployed(CLUSTER))
    reviewed = review(cloud, NETWORK, CLUSTER)
    cloud.deployed[CLUSTER.region, CLUSTER.name] = deployed(CLUSTER, status="UPDATE_IN_PROGRESS")

    events: list[Event] = list(reviewed.create(jobs=4))

    assert [item.reason for item in reviewed.found] == [
        "",
        "Stack:crd-x-cluster can not be updated",
    ]
    assert [event.error for event in events if isinstance(event, Finished)] == [None, None]


def test_a_stack_whose_creation_failed_has_no_change_set() -> None:
    """A stack in ROLLBACK_COMPLETE must be deleted first."""
    reviewed = review(account(deployed(NETWORK, status="ROLLBACK_COMPLETE")), NETWORK)

    list(reviewed.create(jobs=1))

    assert [item.reason for item in reviewed.found] == [
        "the stack is in ROLLBACK_COMPLETE and must be deleted first"
    ]
