"""Live plans as text and JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from deployer.drift import StackDrift
from deployer.plan import Blocked, Create, Keep, Orphan, Update, Upload
from deployer.preview.values import (
    Preview,
    PropertyChange,
    ResourceChange,
    StackChange,
    UnknownValue,
)
from deployer.report.live_plan import LivePlan, live_plan_json, live_plan_text
from deployer.report.pending_change_sets import PendingChangeSet
from deployer.report.style import Style
from tests.deployer.report.samples import found
from tests.fakes import REGION, desired_stack

CREATE = Create(desired_stack("cluster"), "not in the account yet")
CHANGE = StackChange(
    "crd-x-cluster",
    "cluster",
    REGION,
    "created",
    (ResourceChange("Group", "AWS::EC2::SecurityGroup", "added", source="stacks/cluster.py:9"),),
    unknown=(UnknownValue("network", "Vpc"), UnknownValue("network", "Subnets")),
)
PREVIEW = Preview("x", (CHANGE,), ("network",))
KEEP = Keep(desired_stack("network"), found("network"), "unchanged")


def lines(plan: LivePlan) -> list[str]:
    """Return the lines of a plan."""
    return live_plan_text(plan, Style()).splitlines()


def test_unknown_values_have_their_source() -> None:
    """The values of each stack that is not deployed are one line."""
    assert lines(LivePlan([KEEP, CREATE], preview=PREVIEW)) == [
        "x: 1 stack created, 1 added; 1 stack unchanged",
        "cluster  new stack, 1 added  crd-x-cluster",
        "  ? known after network is deployed: Vpc, Subnets",
        "  + Group  AWS::EC2::SecurityGroup  (stacks/cluster.py:9)",
        "2 stacks: 1 create, 1 keep",
    ]


def test_steps_without_changes_of_resources_are_listed() -> None:
    """A step that no change of a resource explains is listed with its reason or its hint."""
    blocked = Blocked(desired_stack("database"), found("database"), "UPDATE_FAILED", "roll it back")
    update = Update(desired_stack("service"), found("service"), "/x/image is available")
    orphan = Orphan(found("old"), "deployed, but no longer in layers()", "to remove it: x")
    upload = Upload(CREATE.desired, "the code of a")

    assert lines(LivePlan([CREATE, blocked, update], [orphan], [upload], PREVIEW))[4:] == [
        "crd-x-database  blocked  UPDATE_FAILED",
        "                hint: roll it back",
        "crd-x-service   update   /x/image is available",
        "crd-x-old       orphan   deployed, but no longer in layers() (ca-central-1)",
        "                hint: to remove it: x",
        "crd-x-cluster   upload   the code of a",
        "3 stacks: 1 create, 1 update, 1 blocked; 1 orphan; 1 upload",
    ]


def test_nothing_to_do_is_one_line() -> None:
    """Without changes only the counts are printed."""
    assert lines(LivePlan([KEEP], preview=replace(PREVIEW, stacks=()))) == ["1 stack: 1 keep"]


def test_json_has_the_steps_and_the_changes() -> None:
    """The document has the content of the text."""
    document = json.loads(live_plan_json(LivePlan([CREATE], preview=PREVIEW)))

    (stack,) = document["changes"]["stacks"]
    assert document["steps"][0]["step"] == "create"
    assert document["changes"]["unchanged_stacks"] == ["network"]
    assert stack["unknown"] == [
        {"stack": "network", "output": "Vpc"},
        {"stack": "network", "output": "Subnets"},
    ]


def test_change_sets_of_updates_in_several_steps() -> None:
    """The change set of a step is not compared with all changes of its stack."""
    phased = replace(CHANGE, name="crd-x-network", phases="in 2 steps: keeps Vpc")
    plan = LivePlan([], preview=Preview("x", (CHANGE, phased)))

    assert [*plan.changes_by_stack] == ["crd-x-cluster", "crd-x-network"]
    assert [*plan.changes_of_change_sets] == ["crd-x-cluster"]


def test_random_values_are_masked() -> None:
    """A value that looks like a key is in neither form of the plan."""
    key = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"
    value = PropertyChange(("Properties", "Plain"), "a", key)
    change = replace(CHANGE, resources=(replace(CHANGE.resources[0], properties=(value,)),))
    plan = LivePlan([CREATE], preview=Preview("x", (change,)))

    assert key not in "".join(lines(plan)) + live_plan_json(plan)


def test_pending_change_sets_and_drift_are_listed() -> None:
    """A plan lists what was left for review, and the drift that was detected."""
    pending = PendingChangeSet("crd-x-cluster", REGION, "arn:1", "x")
    drift = StackDrift("crd-x-network", "network", REGION)
    plan = LivePlan([KEEP], pending=[pending], drifts=[drift])

    assert lines(plan) == [
        "drift: 0 resources changed outside of CloudFormation in 1 stack",
        "review: crd-x-cluster has a change set that was not executed",
        "        ./inv change-set.execute --arn=arn:1 --env=x",
        "        ./inv change-set.delete --arn=arn:1 --env=x",
        "1 stack: 1 keep",
    ]
    document = json.loads(live_plan_json(plan))
    assert document["pending_change_sets"][0]["arn"] == "arn:1"
    assert document["drifts"][0]["stack"] == "crd-x-network"
