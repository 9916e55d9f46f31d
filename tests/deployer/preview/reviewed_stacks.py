"""Build reviewed stacks from plain templates, and compare them."""

from __future__ import annotations

from typing import Any

from deployer.model.template_tree import TemplateTree
from deployer.preview.changes import Context, preview
from deployer.preview.reviewed import ReviewedStack
from deployer.preview.values import Preview, ResourceChange
from deployer.template_yaml import dump

REGION = "ca-central-1"


def tree(body: dict[str, Any], **nested: dict[str, Any]) -> TemplateTree:
    """Return the template *body* with these nested templates."""
    return TemplateTree(dump(body), {title: tree(inner) for title, inner in nested.items()})


def stack(name: str, body: dict[str, Any], region: str = REGION, **nested: Any) -> ReviewedStack:
    """Return the stack crd-x-NAME; *nested* has the nested templates by logical id."""
    return ReviewedStack(name, f"crd-x-{name}", region, tree(body, **nested))


def resources(**by_id: Any) -> dict[str, Any]:
    """Return a template of resources, each a type and its properties."""
    return {
        "Resources": {
            title: {"Type": type_, "Properties": properties}
            for title, (type_, properties) in by_id.items()
        }
    }


def compare(before: list[ReviewedStack], after: list[ReviewedStack], **context: Any) -> Preview:
    """Return the changes of the environment x."""
    return preview("x", before, after, Context(**context))


def by_name(found: Preview) -> dict[str, ResourceChange]:
    """Return the changed resources as stack/name."""
    return {
        f"{change.short_name}/{resource.name}": resource
        for change in found.stacks
        for resource in change.resources
    }


def actions(found: Preview) -> dict[str, str]:
    """Return the action of each changed resource."""
    return {name: resource.action for name, resource in by_name(found).items()}
