"""Every reason why a saved plan is stale, and none for one that is fresh."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from deployer import plan
from deployer.aws.cloud import ChangeSet, DeployedStack, StoredObject
from deployer.model import Env, OutputOf
from deployer.planned_change_sets import PlannedChangeSet
from deployer.saved_plan import SavedPlan, saved_stack
from deployer.staleness import Current, stale_reasons
from tests.fakes import ACCOUNT, REGION, desired_stack

ENV = Env("cruddur", "crd", "x", ACCOUNT, REGION, "x.example", "Z1", protect=False)
SOURCE = OutputOf("crd-x-far", REGION, "Name")
STACK = desired_stack("network", parameters={"Name": SOURCE})
AT = datetime(2026, 12, 1, tzinfo=UTC)
DEPLOYED = DeployedStack(
    STACK.name, "arn:stack", REGION, "CREATE_COMPLETE", tags=STACK.tags, updated_at=AT
)
FAR = DeployedStack("crd-x-far", "arn:far", REGION, "CREATE_COMPLETE", outputs={"Name": "a"})
CHANGE_SET = ChangeSet(
    "arn:set", "plan", STACK.name, "arn:stack", REGION, "CREATE_COMPLETE", "AVAILABLE"
)
OBJECT = StoredObject(REGION, "bucket", "code.zip", "abc", "v1")
KNOWN = plan.index([DEPLOYED, FAR])
SAVED = SavedPlan(
    1,
    "x",
    ACCOUNT,
    REGION,
    "abc",
    "",
    (saved_stack(PlannedChangeSet(STACK, "UPDATE", CHANGE_SET, objects=(OBJECT,)), KNOWN),),
)
FRESH = Current(
    ENV,
    ACCOUNT,
    "abc",
    "",
    {STACK.name: STACK},
    KNOWN,
    lambda region, arn: CHANGE_SET,
    lambda stored: OBJECT,
)


def test_a_fresh_plan_is_not_stale() -> None:
    """Nothing has changed since the plan was saved."""
    assert stale_reasons(SAVED, FRESH) == ()


def deployed(*stacks: DeployedStack) -> dict[str, Any]:
    """Return the argument of `replace` for the deployed stacks."""
    return {"deployed": plan.index([*stacks, FAR])}


def change_set(found: ChangeSet | None) -> dict[str, Callable[..., ChangeSet | None]]:
    """Return the argument of `replace` for the change set."""
    return {"change_set": lambda *_: found}


def desired(**more: Any) -> dict[str, Any]:
    """Return the argument of `replace` for another desired stack."""
    return {"desired": {STACK.name: replace(STACK, **more)}}


NAME = "crd-x-network"
LATER = datetime(2026, 12, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        ({"env": msgspec.structs.replace(ENV, name="y")}, "the environment was x and is y now"),
        ({"account": "2" * 12}, f"the account was {ACCOUNT} and is 222222222222 now"),
        (
            {"env": msgspec.structs.replace(ENV, region="eu-west-1")},
            f"the region was {REGION} and is eu-west-1 now",
        ),
        ({"revision": "def"}, "the revision was abc and is def now"),
        ({"revision": ""}, "the revision was abc and is none now"),
        ({"role": "arn:role"}, "the role was none and is arn:role now"),
        ({"desired": {}}, f"{NAME}: the code has no such stack in {REGION}"),
        (desired(text="{}"), f"{NAME}: its template differs from that of the plan"),
        (
            desired(tags={}),
            f"{NAME}: its parameters, tags or protection differ from those of the plan",
        ),
        (
            {"deployed": plan.index([DEPLOYED, replace(FAR, outputs={"Name": "b"})])},
            f"{NAME}: its parameters, tags or protection differ from those of the plan",
        ),
        (deployed(), f"{NAME}: the stack no longer exists"),
        (deployed(replace(DEPLOYED, id="arn:2")), f"{NAME}: it is another stack of that name"),
        (
            deployed(replace(DEPLOYED, updated_at=LATER)),
            f"{NAME}: it was updated meanwhile, at 2026-12-02T00:00:00+00:00",
        ),
        (
            deployed(replace(DEPLOYED, status="UPDATE_IN_PROGRESS")),
            f"{NAME}: it is in UPDATE_IN_PROGRESS",
        ),
        (change_set(None), f"{NAME}: its change set no longer exists"),
        (
            change_set(replace(CHANGE_SET, execution="EXECUTE_COMPLETE")),
            f"{NAME}: its change set is EXECUTE_COMPLETE, not AVAILABLE",
        ),
        (
            change_set(replace(CHANGE_SET, execution="OBSOLETE")),
            f"{NAME}: its change set is OBSOLETE, not AVAILABLE",
        ),
        (
            change_set(replace(CHANGE_SET, stack_id="arn:2")),
            f"{NAME}: its change set belongs to another stack",
        ),
        (
            {"stored_object": lambda _: replace(OBJECT, version="v2")},
            f"{NAME}: s3://bucket/code.zip is not the object of the plan",
        ),
        (
            {"stored_object": lambda _: None},
            f"{NAME}: s3://bucket/code.zip is not the object of the plan",
        ),
    ],
)
def test_each_difference_is_a_reason(now: dict[str, Any], reason: str) -> None:
    """One difference of the code or the account has exactly one reason."""
    assert stale_reasons(SAVED, replace(FRESH, **now)) == (reason,)


def test_a_stack_that_was_created_meanwhile() -> None:
    """A change set that creates a stack is stale as soon as the stack is created."""
    in_review = replace(DEPLOYED, status="REVIEW_IN_PROGRESS")
    created = saved_stack(PlannedChangeSet(STACK, "CREATE", CHANGE_SET), plan.index([FAR]))
    saved = msgspec.structs.replace(SAVED, stacks=(created,))

    assert stale_reasons(saved, replace(FRESH, **deployed(in_review))) == ()
    assert stale_reasons(saved, FRESH) == (f"{NAME}: it was created meanwhile: CREATE_COMPLETE",)


def test_all_reasons_are_listed() -> None:
    """One error names everything that differs."""
    now = replace(FRESH, revision="def", **change_set(None), **desired(text="{}"))

    assert len(stale_reasons(SAVED, now)) == 3
