"""The changes of a template that AWS refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deployer.model.template_tree import TemplateTree
from deployer.registry import schema
from deployer.template_yaml import load
from deployer.update_refusals import _NAMES, find_update_refusals

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[2]


def tree(nested: dict[str, TemplateTree] | None = None, **resources: Any) -> TemplateTree:
    return TemplateTree(json.dumps({"Resources": resources}), nested or {})


def resource(type_: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{type_}", "Properties": properties}


def table(*indexes: str, key: str = "sk", **properties: Any) -> dict[str, Any]:
    schema = [{"AttributeName": key, "KeyType": "HASH"}]
    listed = [{"IndexName": name, "KeySchema": schema} for name in indexes]
    return resource("DynamoDB::Table", GlobalSecondaryIndexes=listed, **properties)


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ((), ("a", "b"), "a, b"),
        (("a", "b"), (), "a, b"),
        (("a",), ("b",), "a, b"),
        (("a", "b"), ("b", "c"), "a, c"),
    ],
)
def test_two_changes_of_indexes_are_refused(
    before: tuple[str, ...], after: tuple[str, ...], changes: str
) -> None:
    """Two added or deleted indexes are refused: DynamoDB accepts one in an UpdateTable."""
    assert find_update_refusals(tree(Table=table(*before)), tree(Table=table(*after))) == (
        (
            f"Table (AWS::DynamoDB::Table): 2 global secondary indexes are added or deleted ({changes});"
            " DynamoDB accepts one per update"
        ),
    )


@pytest.mark.parametrize(("before", "after"), [((), ("a",)), (("a", "b"), ("a",)), ((), ())])
def test_one_change_of_indexes_is_accepted(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    """One added index, one deleted index, or none, is accepted."""
    assert find_update_refusals(tree(Table=table(*before)), tree(Table=table(*after))) == ()


def test_the_key_of_an_index_cannot_change() -> None:
    """Another key of an index with the same name is refused."""
    assert find_update_refusals(tree(Table=table("a")), tree(Table=table("a", key="pk"))) == (
        (
            "Table (AWS::DynamoDB::Table): KeySchema of the index a changes;"
            " DynamoDB requires a new index"
        ),
    )


def test_a_new_table_may_have_several_indexes() -> None:
    """A new table, or one that is replaced, may have several new indexes."""
    before, after = table(TableName="one"), table("a", "b", TableName="two")

    assert find_update_refusals(tree(Table=before), tree(Table=after)) == ()
    assert find_update_refusals(tree(), tree(Table=after)) == ()


def test_a_renamed_logical_id_collides_with_its_own_name() -> None:
    """A new logical id with the same name is refused: CloudFormation creates before it deletes."""
    queue = resource("SQS::Queue", QueueName="work")

    assert find_update_refusals(tree(Old=queue), tree(New=queue)) == (
        "New (AWS::SQS::Queue): Old has its name, work, until the update ends",
    )


def test_a_name_that_moves_is_in_use() -> None:
    """A name that moves to another resource is in use until the update ends."""
    before = tree(One=resource("SQS::Queue", QueueName="a"))
    after = tree(
        One=resource("SQS::Queue", QueueName="b"), Two=resource("SQS::Queue", QueueName="a")
    )

    assert find_update_refusals(before, after) == (
        "Two (AWS::SQS::Queue): One has its name, a, until the update ends",
    )


def test_a_replacement_needs_a_new_name() -> None:
    """A replacement of a resource with a custom name is refused."""
    before = resource("SQS::Queue", QueueName="a.fifo", FifoQueue=True)
    after = resource("SQS::Queue", QueueName="a.fifo", FifoQueue=False)

    assert find_update_refusals(tree(Queue=before), tree(Queue=after)) == (
        "Queue (AWS::SQS::Queue): FifoQueue changes, so a new one is created, and its name is in use",
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (resource("SQS::Queue"), resource("SQS::Queue")),
        (resource("SQS::Queue", QueueName="a"), resource("SQS::Queue", QueueName="b")),
        (resource("SQS::Queue", QueueName="a"), resource("SNS::Topic", TopicName="a")),
        (
            resource("ECS::Service", ServiceName="a", Cluster="x"),
            resource("ECS::Service", ServiceName="a", Cluster="y"),
        ),
        (
            resource("Route53::RecordSet", Name="a", Type="A", HostedZoneId="Z"),
            resource("Route53::RecordSet", Name="a", Type="AAAA", HostedZoneId="Z"),
        ),
    ],
    ids=["unnamed", "other name", "other type", "other cluster", "other record"],
)
def test_another_name_is_accepted(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Names must be unique within their type, and some only within a parent."""
    assert find_update_refusals(tree(Old=before), tree(New=after)) == ()


def test_a_refusal_in_a_nested_template() -> None:
    """A refusal in a nested template has its path."""
    queue = resource("SQS::Queue", QueueName="work")
    stack = resource("CloudFormation::Stack")
    before = tree({"Inner": tree(Old=queue)}, Inner=stack)
    after = tree({"Inner": tree(New=queue)}, Inner=stack)

    assert find_update_refusals(before, after) == (
        "Inner/New (AWS::SQS::Queue): Inner/Old has its name, work, until the update ends",
    )


@pytest.mark.parametrize("path", sorted((ROOT / "build/prod").glob("*.yaml")), ids=lambda p: p.stem)
def test_an_unchanged_template_is_accepted(path: Path) -> None:
    """An unchanged template is accepted, and a new logical id of any named resource is not."""
    text = path.read_text(encoding="utf-8")
    whole = load(text)
    for logical_id, body in whole["Resources"].items():
        named = _NAMES.get(body["Type"], ())
        renamed = {key: body for key, body in whole["Resources"].items() if key != logical_id}
        moved = tree(**renamed, **{f"{logical_id}2": body})
        refused = find_update_refusals(TemplateTree(text), moved)

        assert bool(refused) is bool(named and {*named[:2]} & {*(body.get("Properties") or {})})
    assert find_update_refusals(TemplateTree(text), TemplateTree(text)) == ()


def test_the_names_are_properties_of_the_registry() -> None:
    """Each name property exists in the registry."""
    for type_, keys in _NAMES.items():
        assert {*keys} <= {*schema(type_)["properties"]}, type_
