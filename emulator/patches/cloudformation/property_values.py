"""A described change set shows what a property was and what it will be, when asked to."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

from emulator import ministack
from emulator.ministack import Action, Answer, Params, Props

LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"  # CloudFormation's words for what nobody knows yet.


def close() -> None:
    """Fill in what IncludePropertyValues asks for; the emulator does not know the parameter."""
    ministack.wrap_action("DescribeChangeSet", _with_values)


def _with_values(describe: Action) -> Action:
    def describing(params: Params) -> Answer:
        status, headers, body = describe(params)
        name, stack = ministack.param(params, "ChangeSetName"), ministack.param(params, "StackName")
        _, change_set = ministack.find_change_set(name, stack)
        if ministack.param(params, "IncludePropertyValues") != "true" or change_set is None:
            return status, headers, body
        ET.register_namespace("", ministack.NAMESPACE)
        root = ET.fromstring(body)  # noqa: S314  The emulator's own answer.
        for change in every(root, "ResourceChange"):
            _fill(change, change_set)
        return status, headers, ET.tostring(root)

    return describing


def _fill(change: ET.Element, change_set: dict[str, Any]) -> None:
    title = ministack.text_of(change, "LogicalResourceId")
    action = ministack.text_of(change, "Action")
    before = _before(change_set, title) if action != "Add" else None
    after = properties_after(change_set, title) if action != "Remove" else None
    for tag, properties in (("BeforeContext", before), ("AfterContext", after)):
        if properties is not None:
            add(change, tag, json.dumps({"Properties": properties}))
    if before is None or after is None:
        return
    for target in every(change, "Target"):
        if ministack.text_of(target, "Attribute") == "Properties":
            for name in every(target, "Name"):  # Empty if CloudFormation names no property.
                _fill_target(target, name.text or "", before, after)


def _fill_target(target: ET.Element, name: str, before: Props, after: Props) -> None:
    add(target, "Path", f"/Properties/{name}")
    for tag, properties in (("BeforeValue", before), ("AfterValue", after)):
        if name in properties:
            add(target, tag, _text(properties[name]))
    add(target, "AttributeChangeType", _change_type(name, before, after))


def _before(change_set: dict[str, Any], title: str) -> Props:
    stack = ministack.find_stack(change_set["StackId"]) or {}
    properties: Props = stack.get("_resources", {}).get(title, {}).get("Properties", {})
    return properties


def properties_after(change_set: dict[str, Any], title: str) -> Props:
    """Resolve the new properties as far as they are known before the change set is executed."""
    stack = ministack.find_stack(change_set["StackId"]) or {}
    template, made = change_set["_template"], stack.get("_resources", {})
    raw = template["Resources"][title].get("Properties") or {}
    unknown = (set(template["Resources"]) - set(made)) | _replaced(change_set)
    with ministack.stack_scope(stack):
        resolved: Props = ministack.resolve(
            _marked(raw, unknown),
            made,
            change_set["_resolved_params"],
            stack.get("_conditions", {}),
            template.get("Mappings", {}),
            stack["StackName"],
            stack["StackId"],
        )
    return resolved


def _replaced(change_set: dict[str, Any]) -> set[str]:
    changes = (change["ResourceChange"] for change in change_set["Changes"])
    return {one["LogicalResourceId"] for one in changes if one.get("Replacement") == "True"}


def _marked(value: Any, unknown: set[str]) -> Any:
    """Put the marker where a function reads a resource that is not made yet, or made anew."""
    if isinstance(value, list):
        return [_marked(one, unknown) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) & {"Ref", "Fn::GetAtt", "Fn::Sub"}:
        reads = {name for name, _ in ministack.references(value)}
        return LATER if reads & unknown else value
    return {key: _marked(one, unknown) for key, one in value.items()}


def _change_type(name: str, before: Props, after: Props) -> str:
    if name not in before:
        return "Add"
    return "Modify" if name in after else "Remove"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def every(root: ET.Element, tag: str) -> list[ET.Element]:
    """Return every element called *tag*, whatever its namespace."""
    return [e for e in root.iter() if e.tag.rpartition("}")[2] == tag]


def add(parent: ET.Element, tag: str, text: str) -> None:
    """Append an element with *text* to *parent*."""
    ET.SubElement(parent, f"{{{ministack.NAMESPACE}}}{tag}").text = text
