"""Saved plans as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.deployment import DeploymentPlan
from deployer.errors import ConfigError, StaleError
from deployer.planned_change_sets import PlannedChangeSet
from operations import saved_plans
from tests.deployer.test_deployment import new_deployment
from tests.deployer.test_saved_plan import NETWORK, PLANNED

EMPTY = DeploymentPlan((), (), (), ())


def test_a_plan_is_written_and_read(tmp_path: Path) -> None:
    """The file has the change sets, the stacks without one, and the commit of the checkout."""
    deployment, _ = new_deployment(desired=(NETWORK,))
    file = tmp_path / "plan.json"
    without = PlannedChangeSet(NETWORK, "CREATE", reason="needs network.Vpc")

    saved_plans.writer(deployment, EMPTY, file)([PLANNED, without])
    saved = saved_plans.read(file)

    assert [stack.change_set for stack in saved.stacks] == ["arn:change-set"]
    assert [stack.reason for stack in saved.skipped] == ["needs network.Vpc"]
    assert (saved.environment, saved.revision) == ("x", saved_plans.current_revision())
    assert len(saved.revision) == 40


def test_a_missing_folder_is_refused_before_change_sets_are_created(tmp_path: Path) -> None:
    """A file that could not be written is an error before any change set is created."""
    deployment, _ = new_deployment(desired=(NETWORK,))

    with pytest.raises(ConfigError, match="there is no folder"):
        saved_plans.writer(deployment, EMPTY, tmp_path / "none" / "plan.json")


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    """A missing file and one that is not text have their own errors."""
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff")

    with pytest.raises(ConfigError, match="No such file"):
        saved_plans.read(tmp_path / "none")
    with pytest.raises(StaleError, match="is not UTF-8"):
        saved_plans.read(binary)
