"""The refusal of losses of data that the config does not accept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as replace_fields

from deployer.aws.cloud import ResourceChange
from deployer.data_guard import (
    StackLoss,
    change_set_losses,
    refuse_data_losses,
    unaccepted,
    unmatched,
)
from deployer.data_loss import STATEFUL, DataLoss, find_data_losses
from deployer.errors import GuardError
from deployer.model import AcceptedDataLoss
from deployer.model.template_tree import TemplateTree
from deployer.preview.changes import preview
from deployer.preview.reviewed import ReviewedStack, read_stacks
from deployer.registry import resource_type
from tests.deployer.report.samples import change_set

BUILD = Path(__file__).parents[2] / "build" / "prod"
STACKS = read_stacks({path.name: path.read_text() for path in BUILD.iterdir()})
LOSS = StackLoss(
    "messages", DataLoss("Table", "AWS::DynamoDB::Table", "is removed", "its data is deleted")
)
OTHER = replace(LOSS, stack="users")
ACCEPTED = AcceptedDataLoss(
    resource="messages/Table", change="removed", reason="the table is empty", date="2026-12-01"
)
EMPTY = TemplateTree("", known_body={})
# The holders of data that a policy keeps, as an acceptance names them.
KEPT = {
    "/".join((stack.short_name, *path, title))
    for stack in STACKS
    for path, tree in stack.templates.walk()
    for title, resource in tree.resources.items()
    if resource.get("DeletionPolicy", "Delete") != "Delete"
}


def holders() -> list[Any]:
    """Return every resource of the stacks that holds data: its stack, its path and its name."""
    return [
        pytest.param(stack, path, title, id="/".join((stack.short_name, *path, title)))
        for stack in STACKS
        for path, tree in stack.templates.walk()
        for title, resource in tree.resources.items()
        if resource["Type"] in STATEFUL or resource.get("DeletionPolicy", "Delete") != "Delete"
    ]


def edited(tree: TemplateTree, path: tuple[str, ...], edit: Any) -> TemplateTree:
    """Return *tree* with the resources of the template at *path* edited."""
    if path:
        inner = edited(tree.nested[path[0]], path[1:], edit)
        return replace(tree, nested={**tree.nested, path[0]: inner})
    resources = edit(dict(tree.resources))
    nested = {title: inner for title, inner in tree.nested.items() if title in resources}
    return replace(tree, nested=nested, known_body={**tree.body, "Resources": resources})


def kinds(before: TemplateTree, after: TemplateTree, path: tuple[str, ...], title: str) -> set[str]:
    """Return the kinds of the losses of one resource."""
    found = find_data_losses(before, after)
    return {loss.kind for loss in found if (loss.path, loss.logical_id) == (path, title)}


@pytest.mark.parametrize(("stack", "path", "title"), holders())
def test_every_holder_of_data_is_guarded(
    stack: ReviewedStack, path: tuple[str, ...], title: str
) -> None:
    """Removal, another logical id, a weaker policy, a replacement and a deleted stack are losses."""
    tree = stack.templates

    def without(resources: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in resources.items() if name != title}

    def renamed(resources: dict[str, Any]) -> dict[str, Any]:
        return {("Other" if name == title else name): value for name, value in resources.items()}

    def weakened(resources: dict[str, Any]) -> dict[str, Any]:
        return resources | {title: resources[title] | {"DeletionPolicy": "Delete"}}

    def retyped(resources: dict[str, Any]) -> dict[str, Any]:
        return resources | {title: resources[title] | {"Type": "AWS::SNS::Topic"}}

    for edit in (without, renamed):
        assert kinds(tree, edited(tree, path, edit), path, title) == {"removed"}
    assert kinds(tree, edited(tree, path, retyped), path, title) == {"replaced"}
    assert kinds(tree, EMPTY, path, title) == {"removed"}
    resource = tree.at(path).resources[title]  # type: ignore[union-attr]  # it was found there
    is_kept = resource.get("DeletionPolicy", "Delete") != "Delete"
    assert kinds(tree, edited(tree, path, weakened), path, title) == (
        {"weakened"} if is_kept else set()
    )


@pytest.mark.parametrize(("stack", "path", "title"), holders())
def test_every_create_only_property_is_guarded(
    stack: ReviewedStack, path: tuple[str, ...], title: str
) -> None:
    """A change of a create-only property of what holds data is a loss."""
    type_ = stack.templates.at(path).resources[title]["Type"]  # type: ignore[union-attr]  # it was found there
    known = resource_type(type_)
    names = sorted(path[0] for path in known.create_only if len(path) == 1) if known else []

    for name in names:

        def edit(resources: dict[str, Any], name: str = name) -> dict[str, Any]:
            properties = resources[title].get("Properties", {}) | {name: {"new": "value"}}
            return resources | {title: resources[title] | {"Properties": properties}}

        after = edited(stack.templates, path, edit)
        assert kinds(stack.templates, after, path, title) >= {"replaced"}


def accepted(loss: StackLoss) -> AcceptedDataLoss:
    """Return the acceptance of *loss*."""
    return replace_fields(ACCEPTED, resource=loss.resource, change=loss.loss.kind)


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.short_name)
@pytest.mark.parametrize("kind", ["removed", "replaced", "weakened", "renamed", "deleted"])
def test_an_acceptance_passes_one_of_all_losses_of_a_stack(stack: ReviewedStack, kind: str) -> None:
    """All holders of data of a stack are refused but the one that the config accepts."""
    tree = stack.templates
    holding = [value.values[1:] for value in holders() if value.values[0] is stack]
    for path, title in holding:

        def edit(resources: dict[str, Any], title: str = title) -> dict[str, Any]:
            resource = resources.pop(title)
            match kind:
                case "replaced":
                    resources[title] = resource | {"Type": "AWS::SNS::Topic"}
                case "weakened":
                    policies = {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}
                    resources[title] = resource | policies
                case "renamed":
                    resources[f"{title}V2"] = resource
            return resources

        tree = edited(tree, path, edit)
    after = [] if kind == "deleted" else [replace(stack, templates=tree)]
    losses = preview("prod", [stack], after).data_losses
    names = {"/".join((stack.short_name, *path, title)) for path, title in holding}

    assert {loss.resource for loss in losses} == (names if kind != "weakened" else names & KEPT)
    for loss in losses:
        others = [str(other) for other in losses if other.resource != loss.resource]
        acceptances = [accepted(item) for item in losses if item.resource == loss.resource]
        if not others:
            refuse_data_losses(losses, acceptances, "prod", [stack.short_name])
            continue
        with pytest.raises(GuardError) as error:
            refuse_data_losses(losses, acceptances, "prod", [stack.short_name])
        assert error.value.message.splitlines() == others


@pytest.mark.parametrize("announced", ["Remove", "True", "Conditional"])
def test_every_holder_of_data_is_judged_at_execution(announced: str) -> None:
    """The guard refuses a loss that AWS announces, for any holder of data, also a nested one."""
    for value in holders():
        stack, path, title = value.values
        resource = stack.templates.at(path).resources[title]
        policy = resource.get("DeletionPolicy", "Delete")
        change = ResourceChange(
            "Remove" if announced == "Remove" else "Modify",
            title,
            resource["Type"],
            replacement="" if announced == "Remove" else announced,
            policy=policy if announced == "Remove" else f"ReplaceAnd{policy}",
        )
        for name in reversed(path):
            change = ResourceChange("Modify", name, "AWS::CloudFormation::Stack", nested=(change,))

        (loss,) = change_set_losses(change_set("a", change), stack.short_name)

        assert loss.resource == "/".join((stack.short_name, *path, title))
        assert loss.loss.kind == ("removed" if announced == "Remove" else "replaced")
        assert unaccepted([loss], [accepted(loss)]) == ()


def test_a_loss_is_refused_with_everything_to_decide() -> None:
    """The error has the resource, the reason and the consequence, and how to accept it."""
    with pytest.raises(GuardError) as error:
        refuse_data_losses([LOSS], [], "prod", ["messages"])

    assert error.value.message == (
        "messages: Table (AWS::DynamoDB::Table) is removed: its data is deleted"
    )
    assert "config/prod.toml" in error.value.hint
    assert 'resource = "messages/Table", change = "removed"' in error.value.hint


def test_an_acceptance_passes_only_its_resource_and_change() -> None:
    """One of two losses is accepted, and the other one is refused."""
    replaced = replace(LOSS, loss=replace(LOSS.loss, kind="replaced"))

    assert unaccepted([LOSS, OTHER, replaced], [ACCEPTED]) == (OTHER, replaced)
    refuse_data_losses([LOSS], [ACCEPTED], "prod", ["messages"])


def test_an_acceptance_without_a_loss_is_refused() -> None:
    """An acceptance for a stack that is updated without such a loss is refused."""
    with pytest.raises(GuardError, match="messages/Table is not removed by this deploy"):
        refuse_data_losses([], [ACCEPTED], "prod", ["messages"])

    refuse_data_losses([], [ACCEPTED], "prod", ["users"])
    assert unmatched([LOSS], [ACCEPTED], ["messages"]) == ()


def test_nested_resources_are_named_with_their_path() -> None:
    """The resource of a nested stack has the logical ids around it."""
    nested = StackLoss("pipeline", replace(LOSS.loss, path=("CodeBuild",), logical_id="Logs"))

    assert nested.resource == "pipeline/CodeBuild/Logs"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            ResourceChange("Remove", "Table", "AWS::DynamoDB::Table", policy="Retain"),
            [("a/Table", "removed", "it is kept, outside of CloudFormation")],
        ),
        (
            ResourceChange("Modify", "Table", "AWS::DynamoDB::Table", replacement="True"),
            [("a/Table", "replaced", "its data is deleted")],
        ),
        (
            ResourceChange("Modify", "Disk", "AWS::X::Y", "", "Conditional", "ReplaceAndSnapshot"),
            [("a/Disk", "replaced", "a final snapshot is kept")],
        ),
        (ResourceChange("Modify", "Table", "AWS::DynamoDB::Table", replacement="False"), []),
        (ResourceChange("Add", "Table", "AWS::DynamoDB::Table"), []),
        (ResourceChange("Remove", "Topic", "AWS::SNS::Topic", policy="Delete"), []),
    ],
)
def test_what_aws_announces(change: ResourceChange, expected: list[Any]) -> None:
    """A removed or replaced resource that holds data, or has a policy for its data, is a loss."""
    found = change_set_losses(change_set("a", change), "a")

    assert [(loss.resource, loss.loss.kind, loss.loss.consequence) for loss in found] == expected


def test_nested_changes_are_judged() -> None:
    """The changes of nested change sets are checked as well."""
    inner = ResourceChange("Remove", "Table", "AWS::DynamoDB::Table")
    outer = ResourceChange("Modify", "Inner", "AWS::CloudFormation::Stack", nested=(inner,))

    assert [loss.resource for loss in change_set_losses(change_set("a", outer), "a")] == [
        "a/Inner/Table"
    ]
