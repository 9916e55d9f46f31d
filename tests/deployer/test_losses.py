"""What a changed template would do to data."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from deployer.losses import STATEFUL, losses
from deployer.registry import resource_type
from deployer.yamltext import load

ROOT = Path(__file__).parent.parent.parent
DELETED = "its data is deleted"
STAYS = "it stays, and CloudFormation forgets it"
LATER = "nothing is lost yet, but a later mistake would be final"


def template(**resources: dict[str, Any]) -> dict[str, Any]:
    """A template of these resources."""
    return {"Resources": resources}


def table(policy: str | None = "Retain", **properties: Any) -> dict[str, Any]:
    """A table that is kept unless told otherwise."""
    body: dict[str, Any] = {"Type": "AWS::DynamoDB::Table", "Properties": properties}
    if policy:
        body |= {"DeletionPolicy": policy, "UpdateReplacePolicy": policy}
    return body


def told(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, str]]:
    """What and with which consequence, for each loss."""
    return [(loss.what, loss.consequence) for loss in losses(old, new, resource_type)]


@pytest.mark.parametrize(
    ("policy", "consequence"),
    [
        ("Retain", STAYS),
        ("RetainExceptOnCreate", STAYS),
        ("Snapshot", "a last snapshot stays"),
        ("Delete", DELETED),
        (None, DELETED),
    ],
)
def test_a_removed_resource_is_named_with_its_fate(policy: str | None, consequence: str) -> None:
    """The policy that counts is the one that is deployed."""
    assert told(template(Table=table(policy)), template()) == [("is removed", consequence)]


def test_a_renamed_resource_is_a_removed_one() -> None:
    """A new logical id is a new resource to CloudFormation."""
    assert told(template(Table=table()), template(Messages=table())) == [("is removed", STAYS)]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ({"TableName": "a"}, {"TableName": "b"}, "is replaced, because TableName changes"),
        ({}, {"TableName": "b"}, "is replaced, because TableName changes"),
        (
            {"KeySchema": [{"AttributeName": "a"}]},
            {"KeySchema": [{"AttributeName": "b"}]},
            "may be replaced, because KeySchema changes",
        ),
    ],
)
def test_a_replacement_is_named_with_its_cause(
    old: dict[str, Any], new: dict[str, Any], what: str
) -> None:
    """Create-only properties come from CloudFormation's registry."""
    before, after = template(Table=table(**old)), template(Table=table("Delete", **new))

    assert told(before, after)[0] == (what, DELETED)


def test_a_replacement_reaches_what_refers_to_it() -> None:
    """A subnet group that is made anew takes the database with it."""
    database = {
        "Type": "AWS::RDS::DBInstance",
        "Properties": {"DBSubnetGroupName": {"Ref": "Subnets"}},
        "UpdateReplacePolicy": "Snapshot",
    }
    group = {"Type": "AWS::RDS::DBSubnetGroup", "Properties": {"DBSubnetGroupName": "a"}}
    renamed = {**group, "Properties": {"DBSubnetGroupName": "b"}}

    assert told(
        template(Subnets=group, Database=database), template(Subnets=renamed, Database=database)
    ) == [
        (
            "is replaced, because DBSubnetGroupName refers to Subnets",
            "a last snapshot stays",
        )
    ]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (
            {"DeletionProtectionEnabled": True},
            {"DeletionProtectionEnabled": False},
            "loses DeletionProtectionEnabled True, gets False",
        ),
        (
            {"DeletionProtectionEnabled": True},
            {},
            "loses DeletionProtectionEnabled True, gets none",
        ),
        (
            {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}},
            {},
            "loses PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled True, gets none",
        ),
    ],
)
def test_a_guard_that_goes_is_named(old: dict[str, Any], new: dict[str, Any], what: str) -> None:
    """Nothing is lost by that alone, and everything by what may come next."""
    assert told(template(Table=table(**old)), template(Table=table(**new))) == [(what, LATER)]


@pytest.mark.parametrize(("days", "named"), [("1", True), ("30", False), ("7", False)])
def test_fewer_backups_are_named(days: str, named: bool) -> None:
    """A number of days is a guard too; as text or as a number."""

    def database(kept: str | int) -> dict[str, Any]:
        return {"Type": "AWS::RDS::DBInstance", "Properties": {"BackupRetentionPeriod": kept}}

    found = [what for what, _ in told(template(D=database(7)), template(D=database(days)))]

    assert any("loses BackupRetentionPeriod 7" in what for what in found) is named


def test_weaker_policies_are_named() -> None:
    """Retain to Delete, on both."""
    assert told(template(Table=table("Retain")), template(Table=table(None))) == [
        ("loses DeletionPolicy Retain, gets none", LATER),
        ("loses UpdateReplacePolicy Retain, gets none", LATER),
    ]


def test_stronger_guards_are_no_loss() -> None:
    """The other way round nobody has to be told."""
    assert told(template(Table=table(None)), template(Table=table("Retain"))) == []


def test_what_holds_no_data_is_not_named() -> None:
    """A topic comes and goes; with a policy that keeps it, somebody thought otherwise."""
    topic = {"Type": "AWS::SNS::Topic", "Properties": {}}

    assert told(template(Topic=topic), template()) == []
    assert told(template(Topic={**topic, "DeletionPolicy": "Retain"}), template()) == [
        ("is removed", STAYS)
    ]


def test_the_list_of_types_is_real() -> None:
    """The registry knows every type that is called stateful."""
    assert {name for name in STATEFUL if resource_type(name) is None} == set()


def test_every_stateful_resource_of_prod_is_guarded() -> None:
    """Removing, renaming or unguarding any of them in any template is named."""
    checked = 0
    for path in sorted((ROOT / "build/prod").glob("*.yaml")):
        whole = load(path.read_text())
        for name, resource in whole["Resources"].items():
            if (
                resource["Type"] not in STATEFUL
                and resource.get("DeletionPolicy", "Delete") == "Delete"
            ):
                continue
            removed, weakened = copy.deepcopy(whole), copy.deepcopy(whole)
            del removed["Resources"][name]
            weakened["Resources"][name].pop("DeletionPolicy", None)

            assert name in {loss.logical_id for loss in losses(whole, removed, resource_type)}
            assert name in {loss.logical_id for loss in losses(whole, weakened, resource_type)}
            assert losses(whole, whole, resource_type) == ()
            checked += 1

    assert checked
