"""Rewrite templates for the phases of an update.

A pinned import is the current value of an export, as a mapping in the template of the importing
stack. The template records what a phase adds to it, so that a later run can continue.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from deployer.aws.cloud import ResourceToImport
from deployer.model.desired import DIGEST, DesiredStack
from deployer.registry import import_identifier
from deployer.template_yaml import dump

Body: TypeAlias = Mapping[str, Any]

PINS = "PinnedImports"  # The mapping with the values of pinned imports, by the name of the export.
REPLACED = "ReplacedResources"  # The key in Metadata with the resources that are retained.
_SUFFIX = "Replaced"  # The end of the logical id of a retained resource after its import.
_HEADER = (
    "# Intermediate template of a deploy in steps: run the same deploy again to complete it.\n"
)
_MERGED = ("Parameters", "Mappings", "Conditions")
_PLACEHOLDER = re.compile(r"\$\{\s*(\w+)(\.[\w.]+)?\s*\}")


@dataclass(frozen=True)
class Pin:
    """The value of an export, and the name of the stack that exports it."""

    value: str
    stack: str


@dataclass(frozen=True)
class ReplacedResource:
    """A resource that an update replaces, and its definition before that."""

    physical_id: str
    definition: Mapping[str, Any]


def pin(body: Body, pins: Mapping[str, Pin]) -> Body:
    """Return *body* with the imports of the exports in *pins* pinned to their values."""
    return add_pins(_changed_body(body, lambda value: _pinned(value, pins)), pins)


def add_pins(body: Body, pins: Mapping[str, Pin]) -> Body:
    """Return *body* with *pins* added to its mapping of pinned imports; the imports stay as they are."""
    if not pins:
        return body
    mappings = {**(body.get("Mappings") or {})}
    entries = {name: {"Value": pin.value, "Stack": pin.stack} for name, pin in pins.items()}
    mappings[PINS] = {**mappings.get(PINS, {}), **entries}
    return {**body, "Mappings": mappings}


def keep_removed(body: Body, old: Body, outputs: Collection[str]) -> Body:
    """Return *body* with the resources that it removes from *old*, and these *outputs* of *old*."""
    kept = {**body}
    for section in _MERGED:
        if merged := {**(old.get(section) or {}), **(body.get(section) or {})}:
            kept[section] = merged
    kept["Resources"] = {**old.get("Resources", {}), **body.get("Resources", {})}
    old_outputs = old.get("Outputs") or {}
    new_outputs = body.get("Outputs") or {}
    titles = {name: f"{name}Kept" if name in new_outputs else name for name in outputs}
    kept["Outputs"] = {**{titles[name]: old_outputs[name] for name in outputs}, **new_outputs}
    return kept


def retain_replaced(body: Body, replaced: Mapping[str, ReplacedResource]) -> Body:
    """Return *body* with a policy that retains the *replaced* resources, and a record of them."""
    if not replaced:
        return body
    policies = {title: {"UpdateReplacePolicy": "Retain"} for title in replaced}
    resources = {
        title: {**resource, **policies.get(title, {})}
        for title, resource in body["Resources"].items()
    }
    record = {
        title: {
            "PhysicalId": resource.physical_id,
            "Definition": {**resource.definition},
            "UpdateReplacePolicy": body["Resources"][title].get("UpdateReplacePolicy", ""),
        }
        for title, resource in replaced.items()
    }
    metadata = {**(body.get("Metadata") or {}), REPLACED: record}
    return {**body, "Metadata": metadata, "Resources": resources}


def import_replaced(
    body: Body, physical_ids: Mapping[str, str]
) -> tuple[Body, tuple[ResourceToImport, ...]]:
    """Return the deployed template *body* with its retained resources added, and their import.

    *physical_ids* has the resources of the stack by logical id. A resource that still has the
    recorded physical id was not replaced; it is skipped, and so is one that was imported before.
    """
    names = {
        title: f"{title}{_SUFFIX}"
        for title, entry in replaced_in(body).items()
        if physical_ids.get(title) not in {None, entry["PhysicalId"]}
    }
    added = {}
    imports = []
    for title, name in names.items():
        entry = replaced_in(body)[title]
        if name not in body["Resources"]:
            type_ = entry["Definition"]["Type"]
            identifier = {import_identifier(type_) or "": entry["PhysicalId"]}
            added[name] = _definition(entry["Definition"], names, identifier)
            imports.append(ResourceToImport(type_, name, identifier))
    return {**body, "Resources": {**body["Resources"], **added}}, tuple(imports)


def replaced_in(body: Body) -> Mapping[str, Any]:
    """Return the record of the retained resources in a deployed template, by logical id."""
    metadata = body.get("Metadata") or {}
    record = metadata.get(REPLACED) if isinstance(metadata, dict) else None
    return record if isinstance(record, dict) else {}


def without_phases(body: Body, current: Mapping[str, str]) -> Body:
    """Return a deployed template without the pins and the retained resources of a phase.

    *current* has the values of exports. A pin with another value remains: if it was removed, the
    resources that use it would change. Resources and outputs that a phase kept remain, too.
    """
    record = replaced_in(body)
    pins = pins_in(body)
    unpinned = {name for name, pin in pins.items() if current.get(name) == pin.value}
    resources = {
        title: _with_policy(resource, record[title]) if title in record else resource
        for title, resource in (body.get("Resources") or {}).items()
        if not (title.endswith(_SUFFIX) and title.removesuffix(_SUFFIX) in record)
    }
    mappings, metadata = {**(body.get("Mappings") or {})}, {**(body.get("Metadata") or {})}
    metadata.pop(REPLACED, None)
    if unpinned == pins.keys():
        mappings.pop(PINS, None)
    sections = {"Mappings": mappings, "Metadata": metadata}
    reviewed = {key: value for key, value in body.items() if key not in sections}
    reviewed |= {key: value for key, value in sections.items() if value}
    complete: Body = {**reviewed, "Resources": resources}
    return _changed_body(complete, lambda value: _unpinned(value, unpinned))


def keep_pending(body: Body, deployed: Body) -> Body:
    """Return *body* with the retained resources that *deployed* records, imported or not."""
    record = replaced_in(deployed)
    resources = {
        title: {**resource, "UpdateReplacePolicy": "Retain"} if title in record else resource
        for title, resource in body["Resources"].items()
    }
    for title in record:
        name = f"{title}{_SUFFIX}"
        if name in deployed["Resources"]:
            resources[name] = deployed["Resources"][name]
    metadata = {**(body.get("Metadata") or {})}
    metadata[REPLACED] = {**record, **metadata.get(REPLACED, {})}
    return {**body, "Metadata": metadata, "Resources": resources}


def pins_in(body: Body) -> Mapping[str, Pin]:
    """Return the pinned imports in *body* by the name of the export."""
    mappings = body.get("Mappings") or {}
    pins = mappings.get(PINS) if isinstance(mappings, dict) else None
    return {name: Pin(pin["Value"], pin.get("Stack", "")) for name, pin in (pins or {}).items()}


def with_literals(value: Any, body: Body, exports: Mapping[str, str]) -> Any:
    """Return *value*, a part of the deployed template *body*, with values in place of its imports.

    *exports* has the current values of exports; a pinned import is replaced by the pinned value.
    """
    pins = pins_in(body)

    def literal(part: Any) -> Any:
        match part:
            case {"Fn::FindInMap": ["PinnedImports", str(name), _]} if name in pins:
                return pins[name].value
            case {"Fn::ImportValue": str(name)} if name in exports:
                return exports[name]
            case _:
                return part

    return _changed(value, literal)


def passed_parameters(body: Body, deployed: Mapping[str, str]) -> dict[str, str]:
    """Return the *deployed* values of those parameters of *body* that have no default.

    The deployer never passes the others. The deployed value of a parameter of an SSM type is the value
    of the SSM parameter, not the name that would have to be passed.
    """
    declared = body.get("Parameters") or {}
    return {
        name: value
        for name, value in deployed.items()
        if name in declared and "Default" not in declared[name]
    }


def phase_of(desired: DesiredStack, body: Body, **changes: Any) -> DesiredStack:
    """Return *desired* with the intermediate template *body*, and these *changes*."""
    outputs = {k: v for k, v in (body.get("Outputs") or {}).items() if k != DIGEST}
    digest = hashlib.sha256(dump({**body, "Outputs": outputs}).encode()).hexdigest()[:32]
    complete = {**body, "Outputs": {**outputs, DIGEST: {"Value": digest}}}
    text = f"{_HEADER}{dump(complete)}"
    return replace(desired, text=text, body=complete, digest=digest, **changes)


def _definition(
    old: Mapping[str, Any], names: Mapping[str, str], identifier: Mapping[str, str]
) -> Mapping[str, Any]:
    """Return the definition of a retained resource for its import, which refers to the new *names*.

    The property of the *identifier* has the identifier as its value: CloudFormation compares them.
    """
    kept = {key: value for key, value in old.items() if key not in {"DependsOn", "UpdatePolicy"}}
    changed = _changed_body(kept, lambda value: _renamed(value, names))
    properties = changed.get("Properties") or {}
    known = {key: value for key, value in identifier.items() if key in properties}
    return {**changed, "Properties": {**properties, **known}, "DeletionPolicy": "Delete"}


def _with_policy(resource: Mapping[str, Any], entry: Mapping[str, Any]) -> Mapping[str, Any]:
    kept = {key: value for key, value in resource.items() if key != "UpdateReplacePolicy"}
    policy = entry.get("UpdateReplacePolicy")
    return {**kept, "UpdateReplacePolicy": policy} if policy else kept


def _changed_body(body: Body, change: Callable[[Any], Any]) -> Body:
    return {key: _changed(value, change) for key, value in body.items()}


def _changed(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return *value* with *change* applied to every part, outermost first."""
    changed = change(value)
    if changed is not value:
        return changed
    match value:
        case dict():
            return {key: _changed(item, change) for key, item in value.items()}
        case list():
            return [_changed(item, change) for item in value]
        case _:
            return value


def _pinned(value: Any, names: Collection[str]) -> Any:
    match value:
        case {"Fn::ImportValue": str(name)} if name in names:
            return {"Fn::FindInMap": [PINS, name, "Value"]}
        case _:
            return value


def _unpinned(value: Any, names: Collection[str]) -> Any:
    match value:
        case {"Fn::FindInMap": ["PinnedImports", str(name), _]} if name in names:
            return {"Fn::ImportValue": name}
        case _:
            return value


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    match value:
        case {"Ref": str(name)} if name in names:
            return {"Ref": names[name]}
        case {"Fn::GetAtt": [str(name), *rest]} if name in names:
            return {"Fn::GetAtt": [names[name], *rest]}
        case {"Fn::Sub": str(text)}:
            return {"Fn::Sub": _renamed_text(text, names)}
        case {"Fn::Sub": [str(text), variables]}:
            changed = _changed(variables, lambda item: _renamed(item, names))
            return {"Fn::Sub": [_renamed_text(text, names), changed]}
        case _:
            return value


def _renamed_text(text: str, names: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(
        lambda match: f"${{{names.get(match[1], match[1])}{match[2] or ''}}}", text
    )
