"""The latest state of stacks during a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.artifacts import Artifact, Target
from deployer.aws.cloud import DeployedStack
from deployer.follow import Watch
from deployer.run import LatestStacks, Run
from tests.fakes import OWNER, REGION, FakeClock, FakeCloud

NETWORK = DeployedStack("crd-x-network", "arn", REGION, "CREATE_COMPLETE")


def test_a_recorded_stack_replaces_the_previous_description() -> None:
    """Stacks of other names and regions are not changed."""
    elsewhere = replace(NETWORK, region="us-east-1")
    stacks = LatestStacks([NETWORK, elsewhere])

    stacks.record(updated := replace(NETWORK, status="UPDATE_COMPLETE"))

    assert updated == stacks.get(REGION, NETWORK.name)
    assert elsewhere == stacks.get("us-east-1", NETWORK.name)


def test_a_deleted_stack_is_removed() -> None:
    """Removing a stack twice is not an error."""
    stacks = LatestStacks([NETWORK])
    deleted = replace(NETWORK, status="DELETE_COMPLETE")

    stacks.record(deleted)
    stacks.record(deleted)

    assert stacks.get(REGION, NETWORK.name) is None
    assert stacks.by_key == {}


def test_a_run_without_code_has_none_to_upload() -> None:
    """Reading a zip in a run without functions is a bug, and raises an AssertionError."""
    cloud = FakeCloud(FakeClock())
    run = Run("run", Watch(cloud, cloud.clock), lambda _: True, owner=OWNER)

    with pytest.raises(AssertionError, match="this run has no code"):
        run.read_artifact(Artifact("thumbnail", Target("3.13", "arm64"), "digest"))
    assert cloud is run.cloud
