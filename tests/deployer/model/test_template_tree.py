"""The tree of the templates of a stack and of its nested stacks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from deployer.aws.cloud import STACK, DeployedStack, ResourceChange, StackResource
from deployer.errors import CloudError
from deployer.model import Line
from deployer.model.desired import NestedTemplate
from deployer.model.template_tree import (
    TemplateTree,
    changed_templates,
    deployed_templates,
    desired_templates,
    existing_templates,
    flatten,
    resource_lines,
)
from tests.fakes import REGION, FakeClock, FakeCloud, desired_stack

TABLE = {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Retain"}
TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "a"}}


def nested_stack(url: str = "u", **more: Any) -> dict[str, Any]:
    """Return a nested stack."""
    return {"Type": STACK, "Properties": {"TemplateURL": url}} | more


def text(**resources: Any) -> str:
    """Return a template of these resources."""
    return json.dumps({"Resources": resources})


def listed(title: str, physical_id: str, type_: str = STACK) -> StackResource:
    """Return a resource as DescribeStackResources lists it."""
    return StackResource(title, physical_id, type_, "CREATE_COMPLETE")


@pytest.fixture
def cloud() -> FakeCloud:
    """An account with three levels of stacks, of which two nested stacks have the same template."""
    account = FakeCloud(FakeClock())
    for name in ("one", "two", "deep"):
        account.put(
            DeployedStack(f"outer-{name}", f"arn:{name}", REGION, "CREATE_COMPLETE", is_nested=True)
        )
    account.templates = {
        "outer": text(One=nested_stack(), Two=nested_stack(), Topic=TOPIC),
        "arn:one": text(Deep=nested_stack()),
        "arn:two": text(Deep=nested_stack()),
        "arn:deep": text(Table=TABLE),
    }
    account.listed = {
        "outer": (
            listed("Topic", "arn:topic", "AWS::SNS::Topic"),
            listed("One", "arn:one"),
            listed("Two", "arn:two"),
        ),
        "arn:one": (listed("Deep", "arn:deep"),),
    }
    return account


def test_nested_templates_are_read_by_id_at_any_depth(cloud: FakeCloud) -> None:
    """Each nested stack is read by its own id, also if two have the same template."""
    tree = deployed_templates(cloud, REGION, "outer")

    assert [path for path, _ in tree.walk()] == [(), ("One",), ("One", "Deep"), ("Two",)]
    assert [inner.stack_id for _, inner in tree.walk()] == [
        "outer",
        "arn:one",
        "arn:deep",
        "arn:two",
    ]
    assert tree.holds_data


def test_a_stack_without_nested_ones_costs_one_call() -> None:
    """The resources of a stack without nested stacks are not listed."""
    cloud = FakeCloud(FakeClock(), templates={"outer": text(Table=TABLE)})

    deployed_templates(cloud, REGION, "outer")

    assert cloud.calls == [("template", "outer")]


def test_a_nested_stack_that_was_deleted_is_skipped(cloud: FakeCloud) -> None:
    """A nested stack that was deleted separately is skipped, although its template still exists."""
    del cloud.deployed[REGION, "outer-deep"]

    assert [path for path, _ in deployed_templates(cloud, REGION, "outer").walk()] == [
        (),
        ("One",),
        ("Two",),
    ]
    assert existing_templates(cloud, REGION, "arn:deep") is None


def test_a_nested_template_that_cannot_be_read_is_an_error(cloud: FakeCloud) -> None:
    """An unreadable nested template is an error, since its resources are unknown."""

    class Refusing(FakeCloud):
        def template(self, region: str, name: str) -> str:
            if name == "arn:deep":
                raise CloudError("deep: GetTemplate: AccessDenied")
            return super().template(region, name)

    refusing = Refusing(cloud.clock, deployed=cloud.deployed)
    refusing.templates, refusing.listed = cloud.templates, cloud.listed

    with pytest.raises(CloudError, match="deep: GetTemplate: AccessDenied"):
        deployed_templates(refusing, REGION, "outer")


def test_desired_templates_form_the_same_tree() -> None:
    """Desired templates and the lines of their resources are found by path."""
    line, deeper = Line("stacks/a.py", 1), Line("stacks/b.py", 2)
    parts = (
        NestedTemplate("s-One", "s.One.yaml", REGION, "one", "", ("One",), {"Table": line}),
        NestedTemplate(
            "s-One-Deep", "s.One.Deep.yaml", REGION, "deep", "", ("One", "Deep"), {"X": deeper}
        ),
        NestedTemplate("s-Two", "s.Two.yaml", REGION, "two", "", ("Two",)),
    )
    stack = replace(desired_stack("s"), text="outer", nested=parts, lines={"Table": deeper})

    assert [(path, tree.text) for path, tree in desired_templates(stack).walk()] == [
        ((), "outer"),
        (("One",), "one"),
        (("One", "Deep"), "deep"),
        (("Two",), "two"),
    ]
    assert resource_lines(stack) == {
        ("Table",): deeper,
        ("One", "Table"): line,
        ("One", "Deep", "X"): deeper,
    }


def test_a_retained_nested_stack_keeps_its_resources() -> None:
    """A nested stack that is retained keeps everything in it."""
    inner = TemplateTree(text(Table=TABLE), stack_id="inner")
    kept = TemplateTree(
        text(Inner=nested_stack(DeletionPolicy="Retain")), {"Inner": inner}, "outer"
    )
    deleted = TemplateTree(
        text(Inner=nested_stack(DeletionPolicy="Delete")), {"Inner": inner}, "outer"
    )

    assert [tree.stack_id for tree in kept.deleted_trees()] == ["outer"]
    assert [tree.stack_id for tree in deleted.deleted_trees()] == ["outer", "inner"]


def test_a_new_template_url_is_not_a_change() -> None:
    """Only the innermost template that differs is returned, with the resources that differ."""

    def tree(topic: dict[str, Any], version: str, **more: Any) -> TemplateTree:
        innermost = TemplateTree(text(Topic=topic, Table=TABLE))
        middle = TemplateTree(text(Deep=nested_stack(version)), {"Deep": innermost})
        return TemplateTree(text(Inner=nested_stack(version), **more), {"Inner": middle})

    old, new = tree(TOPIC, "a"), tree(TABLE, "b")

    assert changed_templates(old, new) == {("Inner", "Deep"): ("Topic",)}
    assert changed_templates(old, tree(TOPIC, "a", Topic=TOPIC)) == {(): ("Topic",)}
    assert changed_templates(old, old) == {}


def test_changes_are_flat_with_their_paths() -> None:
    """Each change is returned with its path, before the changes nested in it."""
    table = ResourceChange("Modify", "Table", "AWS::DynamoDB::Table")
    deep = ResourceChange("Modify", "Deep", STACK, nested=(table,))
    outer = ResourceChange("Modify", "Inner", STACK, nested=(deep,))

    assert [(path, loss.logical_id) for path, loss in flatten((outer, table))] == [
        ((), "Inner"),
        (("Inner",), "Deep"),
        (("Inner", "Deep"), "Table"),
        ((), "Table"),
    ]
