"""The labelled property edits of tests/deployer/preview/, made in the deployed stacks."""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deployer.model.template_tree import TemplateTree
from deployer.preview.changes import preview
from deployer.preview.differences import is_intrinsic
from deployer.preview.reviewed import ReviewedStack
from deployer.template_yaml import dump, load
from tests.deployer.preview.test_replacement import EDITS
from tests.emulator_server import REGION
from tests.end_to_end.checkout import Checkout

REGIONS = (REGION, "us-east-1")
ACTIONS = {"False": "changed", "Conditional": "may be replaced", "True": "replaced"}
_CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


@dataclass(frozen=True)
class DeployedTemplate:
    """A deployed stack, nested ones included, with its template as plain values."""

    client: Any
    description: dict[str, Any]
    body: dict[str, Any]

    def changes(self, name: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the resource changes of a change set for the template *body*."""
        stack = self.description
        parameters = stack.get("Parameters", [])
        created = self.client.create_change_set(
            StackName=stack["StackName"],
            ChangeSetName=name,
            TemplateBody=json.dumps(body),
            Capabilities=_CAPABILITIES,
            Tags=stack.get("Tags", []),
            Parameters=[
                {"ParameterKey": item["ParameterKey"], "UsePreviousValue": True}
                for item in parameters
            ],
        )
        pages = self.client.get_paginator("describe_change_set").paginate(
            ChangeSetName=created["Id"]
        )
        return [change["ResourceChange"] for page in pages for change in page["Changes"]]

    def prediction(self, body: dict[str, Any]) -> dict[str, str]:
        """Return the predicted action of each resource that the template *body* changes."""
        before, after = (
            ReviewedStack("stack", "stack", REGION, TemplateTree(dump(side), known_body=side))
            for side in (self.body, body)
        )
        found = preview("x", [before], [after])
        return {item.name: item.action for stack in found.stacks for item in stack.resources}


@dataclass(frozen=True)
class Edit:
    """An edit of the property *path* of the resource *title*."""

    template: DeployedTemplate
    title: str
    type: str
    path: str

    def apply(self, body: dict[str, Any]) -> None:
        """Edit the property in *body*, a copy of the template."""
        *parents, last = self.path.split(".")
        inner = body["Resources"][self.title]["Properties"]
        for key in parents:
            inner = _first(inner)[key]
        inner = _first(inner)
        inner[last] = _edited(inner[last])

    def edited_template(self) -> dict[str, Any]:
        """Return a copy of the template with only this edit."""
        body = copy.deepcopy(self.template.body)
        self.apply(body)
        return body


def deployed_templates(checkout: Checkout) -> Iterator[DeployedTemplate]:
    """Yield the deployed stacks, nested ones included."""
    for region in REGIONS:
        client = checkout.client("cloudformation", region)
        for stack in client.describe_stacks()["Stacks"]:
            text = client.get_template(StackName=stack["StackName"])["TemplateBody"]
            yield DeployedTemplate(client, stack, load(text))


def edits(checkout: Checkout) -> list[Edit]:
    """Return an edit for each line of the table whose property a deployed resource has."""
    paths = defaultdict(list)
    for type_, path, _ in EDITS:
        paths[type_].append(path)
    found: dict[tuple[str, str], Edit] = {}
    for template in deployed_templates(checkout):
        for title, resource in template.body["Resources"].items():
            for path in paths[resource["Type"]]:
                if _has(resource.get("Properties", {}), path.split(".")):
                    edit = Edit(template, title, resource["Type"], path)
                    found.setdefault((edit.type, path), edit)
    return [*found.values()]


def _has(properties: Any, path: list[str]) -> bool:
    for key in path:
        properties = _first(properties)
        if not isinstance(properties, dict) or key not in properties:
            return False
        properties = properties[key]
    return True


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _edited(value: Any) -> Any:
    """Return another value of the same kind; a function becomes text."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str() if value.isdigit():
            return str(int(value) + 1)
        case str():
            return f"{value}x"
        case [first, *rest]:
            return [_edited(first), *rest]
        case {**items} if items and not is_intrinsic(value):
            key, inner = next(iter(items.items()))
            return items | {key: _edited(inner)}
        case _:
            return "edited"
