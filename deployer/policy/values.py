"""Read the values of a normalized template: properties, lists, numbers and strings.

In a normalized template, a scalar is a string, and text with references is a single Fn::Sub.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any


def as_mapping(value: object) -> Mapping[str, Any]:
    """Return *value* if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return *value* as a list; CloudFormation and IAM accept one value in place of a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def get(value: Any, *path: str) -> Any:
    """Return the value at *path* in *value*; None if it is missing."""
    for key in path:
        value = as_mapping(value).get(key)
    return value


def is_true(value: Any) -> bool:
    """Return whether a property is true, as a boolean or as a string."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def is_false(value: Any) -> bool:
    """Return whether a property is false; a missing property is not false."""
    return value is False or (isinstance(value, str) and value.lower() == "false")


def as_int(value: Any) -> int | None:
    """Return *value* as an integer; None if it is not one."""
    text = value.strip() if isinstance(value, str) else ""
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else None


def text(value: Any) -> str:
    """Return a string, or the template of an Fn::Sub; otherwise an empty string."""
    match value:
        case str():
            return value
        case {"Fn::Sub": str(template)} | {"Fn::Sub": [str(template), *_]}:
            return template
        case _:
            return ""


def pattern(value: Any) -> str:
    """Return *value* as text, for the comparison of ARNs: like `text`, but references are ${…}."""
    match value:
        case {"Ref": str(name)}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [str(title), str(path)]}:
            return f"${{{title}.{path}}}"
        case dict() if not text(value):
            return "${1}"
        case _:
            return text(value)


def all_strings(value: Any) -> Iterator[str]:
    """Yield every string in *value*, including keys."""
    match value:
        case str():
            yield value
        case dict():
            for key, item in value.items():
                yield str(key)
                yield from all_strings(item)
        case list():
            for item in value:
                yield from all_strings(item)
