"""Return property values before and after a change, with IncludePropertyValues."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

from emulator.ministack import cloudformation, context
from emulator.ministack.cloudformation import Props
from emulator.ministack.context import Params, Response
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "DescribeChangeSet with IncludePropertyValues returns values before and after the change.",
        source="API reference; the exact shape of contexts is not verified",
        ministack="The parameter is ignored.",
        test="test_property_values",
    ),
)
UPSTREAM = True

NESTED_STACK = "AWS::CloudFormation::Stack"

# CloudFormation's placeholder for a value that is known only after the execution.
KNOWN_LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"


def install() -> None:
    """Install the patch."""
    cloudformation.action("DescribeChangeSet").after(_add_values)


def _add_values(response: Response, params: Params) -> Response:
    status, headers, body = response
    name = cloudformation.param(params, "ChangeSetName")
    _, change_set = cloudformation.find_change_set(name, cloudformation.param(params, "StackName"))
    if cloudformation.param(params, "IncludePropertyValues") != "true" or change_set is None:
        return response
    ET.register_namespace("", cloudformation.NAMESPACE)
    root = ET.fromstring(body)  # noqa: S314  MiniStack's own response.
    for change in context.elements(root, "ResourceChange"):
        _add_to_change(change, change_set)
    return status, headers, ET.tostring(root)


def _add_to_change(change: ET.Element, change_set: dict[str, Any]) -> None:
    title = context.text_of(change, "LogicalResourceId")
    action = context.text_of(change, "Action")
    before = _before(change_set, title) if action != "Add" else None
    after = properties_after(change_set, title) if action != "Remove" else None
    for tag, properties in (("BeforeContext", before), ("AfterContext", after)):
        if properties is not None:
            add(change, tag, json.dumps({"Properties": properties}))
    if before is None or after is None:
        return
    for target in context.elements(change, "Target"):
        if context.text_of(target, "Attribute") == "Properties":
            for name in context.elements(target, "Name"):  # None if no property is named.
                _add_to_target(target, name.text or "", before, after)


def _add_to_target(target: ET.Element, name: str, before: Props, after: Props) -> None:
    add(target, "Path", f"/Properties/{name}")
    for tag, properties in (("BeforeValue", before), ("AfterValue", after)):
        if name in properties:
            add(target, tag, _text(properties[name]))
    add(target, "AttributeChangeType", _change_type(name, before, after))


def _before(change_set: dict[str, Any], title: str) -> Props:
    stack = cloudformation.find_stack(change_set["StackId"]) or {}
    properties: Props = stack.get("_resources", {}).get(title, {}).get("Properties", {})
    return properties


def properties_after(change_set: dict[str, Any], title: str) -> Props:
    """Return the new properties, with KNOWN_LATER for values that only the execution determines."""
    stack = cloudformation.find_stack(change_set["StackId"]) or {}
    template, existing = change_set["_template"], stack.get("_resources", {})
    properties = template["Resources"][title].get("Properties") or {}
    unknown = (set(template["Resources"]) - set(existing)) | _resources_with_new_values(change_set)
    with cloudformation.stack_scope(stack):
        resolved: Props = cloudformation.resolve(
            _with_placeholders(properties, unknown),
            existing,
            change_set["_resolved_params"],
            stack.get("_conditions", {}),
            template.get("Mappings", {}),
            stack["StackName"],
            stack["StackId"],
        )
    return resolved


def _resources_with_new_values(change_set: dict[str, Any]) -> set[str]:
    """Return the resources that are replaced, and the nested stacks, whose outputs may change."""
    changes = (entry["ResourceChange"] for entry in change_set["Changes"])
    return {
        change["LogicalResourceId"]
        for change in changes
        if change.get("Replacement") == "True" or change["ResourceType"] == NESTED_STACK
    }


def _with_placeholders(value: Any, unknown: set[str]) -> Any:
    """Return *value* with KNOWN_LATER for functions that refer to the resources in *unknown*."""
    if isinstance(value, list):
        return [_with_placeholders(member, unknown) for member in value]
    if not isinstance(value, dict):
        return value
    if set(value) & {"Ref", "Fn::GetAtt", "Fn::Sub"}:
        names = {name for name, _ in cloudformation.references(value)}
        return KNOWN_LATER if names & unknown else value
    return {key: _with_placeholders(member, unknown) for key, member in value.items()}


def _change_type(name: str, before: Props, after: Props) -> str:
    if name not in before:
        return "Add"
    return "Modify" if name in after else "Remove"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def add(parent: ET.Element, tag: str, text: str) -> None:
    """Append an element with *text* to *parent*."""
    ET.SubElement(parent, f"{{{cloudformation.NAMESPACE}}}{tag}").text = text
