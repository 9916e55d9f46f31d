"""The deletion of stacks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from deployer import delete
from deployer.aws.cloud import (
    STACK,
    ChangeSetRequest,
    DeployedStack,
)
from deployer.errors import (
    GuardError,
)
from deployer.events import Outcome
from deployer.follow import Watch
from deployer.run import Run
from tests.deployer.deploying import (
    NETWORK,
    THREE,
    all_deletions,
    approve,
    deploy,
    finished,
    outcomes,
)
from tests.fakes import OWNER, REGION, FakeClock, FakeCloud, desired_stack


def test_dependents_are_deleted_first() -> None:
    """A stack is deleted when it has no dependents any more."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, THREE)
    run = Run("run", Watch(cloud, cloud.clock), approve, owner=OWNER)
    deletions = all_deletions(cloud, {"crd-x-network": ("crd-x-cluster",)})

    events = list(delete.destroy(deletions, run, jobs=4))

    order = list(outcomes(events))
    assert order.index("crd-x-cluster") < order.index("crd-x-network")
    assert cloud.deployed == {}


def test_a_stack_with_changed_tags_is_not_deleted() -> None:
    """A stack whose tags have changed is not deleted, and keeps its termination protection."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (replace(NETWORK, protect=True),))
    deletions = all_deletions(cloud)
    foreign_tags = {**NETWORK.tags, "env": "x-two"}
    cloud.put(replace(cloud.deployed[REGION, NETWORK.name], tags=foreign_tags))
    run = Run("run", Watch(cloud, cloud.clock), approve, owner=OWNER)
    cloud.calls.clear()

    events = list(delete.destroy(deletions, run, jobs=1))

    error = finished(events, NETWORK.name).error
    assert isinstance(error, GuardError)
    assert "its tag env is 'x-two', not 'x'" in error.message
    assert cloud.writes == []
    assert cloud.deployed[REGION, NETWORK.name].is_protected


def test_a_new_stack_of_the_same_name_is_not_deleted() -> None:
    """A stack is deleted by its id; it is not an error if that no longer exists."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (NETWORK,))
    deletions = all_deletions(cloud)
    old = cloud.deployed[REGION, NETWORK.name]
    cloud.finish_deletion(old)
    cloud.put(replace(old, id="arn:stack/another"))
    run = Run("run", Watch(cloud, cloud.clock), approve, owner=OWNER)

    events = list(delete.destroy(deletions, run, jobs=1))

    assert Outcome.DELETED is finished(events, NETWORK.name).outcome
    assert cloud.deployed[REGION, NETWORK.name].id == "arn:stack/another"


@pytest.mark.parametrize("number", range(1, 6))
def test_an_interrupt_leaves_no_stack_unprotected(number: int) -> None:
    """At each call the stack is protected, or its deletion has started."""
    cloud = InterruptedCloud(FakeClock())
    deploy(cloud, (replace(NETWORK, protect=True),))
    deletions = all_deletions(cloud)
    cloud.calls.clear()
    cloud.interrupt_at = number
    run = Run("run", Watch(cloud, cloud.clock), approve, owner=OWNER)

    with pytest.raises(KeyboardInterrupt):
        list(delete.destroy(deletions, run, jobs=1))

    found = cloud.deployed[REGION, NETWORK.name]
    assert found.is_protected or found.status == "DELETE_IN_PROGRESS"


@dataclass
class InterruptedCloud(FakeCloud):
    """An account whose operator presses Ctrl-C during a call, counted from 1."""

    interrupt_at: int = 0

    def _call(self, name: str, about: str) -> None:
        super()._call(name, about)
        if len(self.calls) == self.interrupt_at:
            raise KeyboardInterrupt


def test_a_stack_created_since_the_approval_is_not_deleted() -> None:
    """The stack was empty when its deletion was approved, so it is not deleted."""
    cloud = FakeCloud(FakeClock())
    arn = cloud.create_change_set(
        ChangeSetRequest("one", NETWORK.name, REGION, "CREATE", NETWORK.text, tags=NETWORK.tags)
    )
    deletions = all_deletions(cloud)
    cloud.clock.sleep(5)
    cloud.execute_change_set(REGION, arn, "theirs")
    cloud.finish_operations()
    run = Run("run", Watch(cloud, cloud.clock), approve, owner=OWNER)

    events = list(delete.destroy(deletions, run, jobs=1))

    error = finished(events, NETWORK.name).error
    assert isinstance(error, GuardError)
    assert "was REVIEW_IN_PROGRESS when it was shown, and is CREATE_COMPLETE now" in error.message
    assert cloud.deployed[REGION, NETWORK.name].status == "CREATE_COMPLETE"


def test_stacks_of_one_name_in_two_regions_are_both_deleted() -> None:
    """Two stacks of one name, as after a move to another region, are both deleted."""
    cloud = FakeCloud(FakeClock())
    other_region = desired_stack("network", region="us-east-1")
    deploy(cloud, (NETWORK,))
    deploy(cloud, (other_region,))
    run = Run("run", Watch(cloud, cloud.clock), approve, owner=OWNER)

    list(delete.destroy(all_deletions(cloud), run, jobs=4))

    assert cloud.deployed == {}


def test_a_cancelled_deletion_is_an_error() -> None:
    """A deletion that CloudFormation accepts and then cancels is an error."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (NETWORK,))
    cloud.exports_in_use["crd-x-network"] = (
        "Delete canceled. Cannot delete export X as it is in use by Y."
    )
    run = Run("run", Watch(cloud, cloud.clock), approve, owner=OWNER)

    events = list(delete.destroy(all_deletions(cloud), run, jobs=1))

    error = finished(events, "crd-x-network").error
    assert error is not None
    assert error.message == f"crd-x-network: {cloud.exports_in_use['crd-x-network']}"
    assert "destroy its dependents first" in error.hint


def test_protection_is_restored_after_a_failed_deletion() -> None:
    """After a failed deletion the stack has its termination protection again."""

    class Stuck(FakeCloud):
        def finish_deletion(self, stack: DeployedStack) -> None:
            self.put(replace(stack, status="DELETE_FAILED"))
            self.add_event(stack, stack.name, STACK, "DELETE_FAILED", "the bucket is not empty")

    cloud = Stuck(FakeClock())
    deploy(cloud, (replace(NETWORK, protect=True),))
    run = Run("run", Watch(cloud, cloud.clock), approve, owner=OWNER)

    list(delete.destroy(all_deletions(cloud), run, jobs=1))

    assert cloud.deployed[REGION, NETWORK.name].is_protected
