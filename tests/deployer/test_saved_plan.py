"""The file of a saved plan."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from deployer import saved_plan
from deployer.aws.cloud import ChangeSet, ResourceChange, StoredObject
from deployer.errors import StaleError
from deployer.model import OutputOf
from deployer.model.desired import DesiredStack, NestedTemplate
from deployer.planned_change_sets import PlannedChangeSet
from deployer.saved_plan import SavedPlan, decode, encode, parameters_digest, template_digest
from tests.fakes import REGION, desired_stack

SCHEMA = Path(__file__).parents[2] / "docs/plan.schema.json"
NETWORK = desired_stack("network")
TABLE = ResourceChange("Modify", "Table", "AWS::DynamoDB::Table", replacement="True")
CHANGE_SET = ChangeSet(
    "arn:change-set",
    "plan-1",
    NETWORK.name,
    "arn:stack",
    REGION,
    "CREATE_COMPLETE",
    "AVAILABLE",
    changes=(TABLE,),
)
PLANNED = PlannedChangeSet(
    NETWORK,
    "CREATE",
    CHANGE_SET,
    objects=(StoredObject(REGION, "bucket", "key", "abc", "v1"),),
)
SAVED = SavedPlan(1, "x", "1" * 12, REGION, "abc", "", (saved_plan.saved_stack(PLANNED, {}),))


def test_a_plan_is_read_as_it_was_written() -> None:
    """The file has all values, and its digest."""
    read = decode(encode(SAVED), "plan.json")

    assert read.stacks == SAVED.stacks
    assert read.stacks[0].changes[0].action == "replaced"


def test_the_schema_describes_the_file() -> None:
    """docs/plan.schema.json is the schema of the classes, and a plan is valid according to it."""
    assert SCHEMA.read_text() == saved_plan.schema()
    assert Draft202012Validator(json.loads(SCHEMA.read_text())).is_valid(json.loads(encode(SAVED)))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "plan.json: is not JSON"),
        ("[]", "plan.json: has version null, not 1"),
        (encode(SAVED).replace('"version": 1', '"version": 2'), "has version 2, not 1"),
        (encode(SAVED).replace('"replaced"', '"changed"'), "was edited: its digest differs"),
        (encode(SAVED).replace('"revision"', '"commit"'), "was edited: Object contains unknown"),
    ],
)
def test_other_files_are_refused(text: str, reason: str) -> None:
    """A file that is edited or of another version is stale, with exit code 4."""
    with pytest.raises(StaleError) as refused:
        decode(text, "plan.json")

    assert reason in refused.value.message
    assert refused.value.code == 4


NESTED = NestedTemplate("n", "n.yaml", REGION, "a", "key", ("N",))


@pytest.mark.parametrize("other", [replace(NETWORK, text="{}"), replace(NETWORK, nested=(NESTED,))])
def test_the_digest_of_a_template_covers_nested_templates(other: DesiredStack) -> None:
    """Another text of any template has another digest."""
    assert template_digest(other) != template_digest(NETWORK)


@pytest.mark.parametrize(
    "other",
    [
        replace(NETWORK, tags={}),
        replace(NETWORK, protect=True),
        replace(NETWORK, capabilities=("CAPABILITY_IAM",)),
        replace(NETWORK, parameters={"Name": OutputOf("crd-x-far", "us-east-1", "Name")}),
    ],
)
def test_the_digest_of_parameters_covers_the_arguments_of_the_call(other: DesiredStack) -> None:
    """Tags, protection, capabilities and parameters change the digest."""
    assert parameters_digest(other, {}) != parameters_digest(NETWORK, {})
