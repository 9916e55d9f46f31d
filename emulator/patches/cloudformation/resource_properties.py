"""Fail a resource with unknown, missing or invalid properties.

The schemas are those of AWS that cfn-lint contains. Types of values, patterns and alternatives are
not checked here, but by cfn-lint: CloudFormation converts strings to numbers, and its regular
expressions are not those of Python.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from deployer import registry
from emulator.ministack import cloudformation
from emulator.ministack.cloudformation import Created
from emulator.patches.differences import Difference

Schema = dict[str, Any]

DIFFERENCES = (
    Difference(
        "Unknown, missing and invalid properties, such as an unknown runtime, fail the resource.",
        source="resource provider schemas; aws-cloudformation/cloudformation-coverage-roadmap has "
        "the messages",
        ministack="Accepted.",
        test="test_invalid_properties",
    ),
)


def install() -> None:
    """Install the patch."""
    cloudformation.provision_resource.before(_before_create)
    cloudformation.update_resource.before(_before_update)


def _before_create(kind: str, title: str, props: Any, _stack: str) -> Created | None:
    _check(kind, title, props)
    return None


def _before_update(
    kind: str, _id: str, old: Any, new: Any, _stack: str, title: str = "", *_rest: Any
) -> Created | None:
    if old != new:
        _check(kind, title, new)
    return None


def _check(kind: str, title: str, props: Any) -> None:
    schema = _schema(kind)
    messages = [] if schema is None else list(errors(props, schema, schema, "#"))
    if messages:
        text = ", ".join(messages)
        message = f"Properties validation failed for resource {title} with message:\n[{text}]"
        raise ValueError(message)


def errors(value: Any, rules: Schema, root: Schema, path: str) -> Iterator[str]:
    """Yield CloudFormation's messages about the *value* at *path*; *root* is the whole schema."""
    while "$ref" in rules:
        rules = _definition(rules["$ref"], root)
    if "enum" in rules and isinstance(value, str) and value not in map(str, rules["enum"]):
        yield f"{path}: {value} is not a valid enum value"
    if isinstance(value, list) and isinstance(rules.get("items"), dict):
        for index, member in enumerate(value):
            yield from errors(member, rules["items"], root, f"{path}/{index}")
    elif isinstance(value, dict) and "properties" in rules:
        yield from _key_errors(value, rules, path)
        for name, member in value.items():
            if name in rules["properties"]:
                yield from errors(member, rules["properties"][name], root, f"{path}/{name}")


def _key_errors(value: dict[str, Any], rules: Schema, path: str) -> Iterator[str]:
    for name in rules.get("required", ()):
        if name not in value:
            yield f"{path}: required key [{name}] not found"
    if rules.get("additionalProperties") is False and "patternProperties" not in rules:
        for name in value:
            if name not in rules["properties"]:
                yield f"{path}: extraneous key [{name}] is not permitted"


def _definition(pointer: str, root: Schema) -> Schema:
    definition: Any = root
    for step in pointer.removeprefix("#/").split("/"):
        definition = definition[step]
    return dict(definition)


@functools.cache
def _schema(kind: str) -> Schema | None:
    """Return the schema of a type; cached, since MiniStack checks the same types repeatedly."""
    return registry.schema(kind)
