"""Look into the values of a template: properties and strings.

The values are those of `normalization`: a scalar is a string, text with references is one Fn::Sub.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any


def mapping(value: object) -> Mapping[str, Any]:
    """*value* if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def many(value: Any) -> list[Any]:
    """*value* as a list: CloudFormation and IAM take one thing for a list of one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def get(value: Any, *path: str) -> Any:
    """What stands at *path* in *value*; None where there is nothing."""
    for key in path:
        value = mapping(value).get(key)
    return value


def true(value: Any) -> bool:
    """Whether a property says yes, as YAML or as a string."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def false(value: Any) -> bool:
    """Whether a property says no; one that is missing says nothing."""
    return value is False or (isinstance(value, str) and value.lower() == "false")


def number(value: Any) -> int | None:
    """The whole number that *value* is, else None."""
    text = value.strip() if isinstance(value, str) else ""
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else None


def text(value: Any) -> str:
    """A string as it is, one with ${…} as its template; else empty."""
    match value:
        case str():
            return value
        case {"Fn::Sub": str(template)} | {"Fn::Sub": [str(template), *_]}:
            return template
        case _:
            return ""


def pattern(value: Any) -> str:
    """Like `text`, but a reference alone is ${…}, too: what an ARN is compared by."""
    match value:
        case {"Ref": str(name)}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [str(title), str(path)]}:
            return f"${{{title}.{path}}}"
        case dict() if not text(value):
            return "${1}"
        case _:
            return text(value)


def strings(value: Any) -> Iterator[str]:
    """Every string in *value*, keys and all."""
    match value:
        case str():
            yield value
        case dict():
            for key, one in value.items():
                yield str(key)
                yield from strings(one)
        case list():
            for one in value:
                yield from strings(one)
