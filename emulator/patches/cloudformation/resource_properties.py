"""Properties a type does not have, lacks or gives a value it does not know fail the resource.

The schemas are AWS's own, as cfn-lint ships them. Types of values, patterns and alternatives are
left to cfn-lint: CloudFormation turns strings into numbers and knows more patterns than Python.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from deployer import registry
from emulator import ministack

Schema = dict[str, Any]


def close() -> None:
    """Look at resolved properties before anything is made of them."""
    ministack.wrap("_provision_resource", _created)
    ministack.wrap("_update_resource", _updated)


def _created(create: Callable[..., Any]) -> Callable[..., Any]:
    def creating(kind: str, title: str, props: Any, stack: str) -> Any:
        _check(kind, title, props)
        return create(kind, title, props, stack)

    return creating


def _updated(update: Callable[..., Any]) -> Callable[..., Any]:
    def updating(kind: str, made: str, old: Any, new: Any, *rest: Any) -> Any:
        if old != new:
            _check(kind, rest[1], new)
        return update(kind, made, old, new, *rest)

    return updating


def _check(kind: str, title: str, props: Any) -> None:
    known = _schema(kind)
    found = [] if known is None else list(problems(props, known, known, "#"))
    if found:
        said = ", ".join(found)
        message = f"Properties validation failed for resource {title} with message:\n[{said}]"
        raise ValueError(message)


def problems(value: Any, rules: Schema, root: Schema, place: str) -> Iterator[str]:
    """Yield what CloudFormation says of *value*, which stands at *place*."""
    while "$ref" in rules:
        rules = _definition(rules["$ref"], root)
    if "enum" in rules and isinstance(value, str) and value not in map(str, rules["enum"]):
        yield f"{place}: {value} is not a valid enum value"
    if isinstance(value, list) and isinstance(rules.get("items"), dict):
        for number, one in enumerate(value):
            yield from problems(one, rules["items"], root, f"{place}/{number}")
    elif isinstance(value, dict) and "properties" in rules:
        yield from _keys(value, rules, place)
        for name, one in value.items():
            if name in rules["properties"]:
                yield from problems(one, rules["properties"][name], root, f"{place}/{name}")


def _keys(value: dict[str, Any], rules: Schema, place: str) -> Iterator[str]:
    for name in rules.get("required", ()):
        if name not in value:
            yield f"{place}: required key [{name}] not found"
    if rules.get("additionalProperties") is False and "patternProperties" not in rules:
        for name in value:
            if name not in rules["properties"]:
                yield f"{place}: extraneous key [{name}] is not permitted"


def _definition(pointer: str, root: Schema) -> Schema:
    found: Any = root
    for step in pointer.removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)


@functools.cache
def _schema(kind: str) -> Schema | None:
    """Kept: the emulator looks at the same types again and again."""
    return registry.schema(kind)
