"""Find what a template refers to: the only code that walks a template for intrinsic functions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Function: TypeAlias = Literal[
    "Ref", "Fn::GetAtt", "Fn::ImportValue", "Fn::FindInMap", "Fn::ValueOf", "Condition"
]

EXPORTS = "Exports."  # The prefix of the names of exports in `value_names`.
# ${Name} and ${Name.Attribute}; not ${!Literal}, and no pseudo parameter such as ${AWS::Region}.
_PLACEHOLDER = re.compile(r"\$\{\s*([\w.]+)\s*\}")


@dataclass(frozen=True)
class Reference:
    """A use of an intrinsic function.

    *name* is a logical id, a parameter, an export, a mapping or a condition, depending on
    *function*. A placeholder of Fn::Sub is a Ref or Fn::GetAtt here, and Fn::If is a Condition.
    """

    function: Function
    name: str
    attribute: str = ""


def references(value: object) -> Iterator[Reference]:
    """Yield every reference in *value*, a template or a part of one as dicts and lists."""
    match value:
        case {"Ref": str(name)}:
            yield Reference("Ref", name)
        case {"Fn::GetAtt": str() | [str(), *_] as target}:
            yield from _get_att(target)
        case {"Fn::Sub": str() | [str(), *_] as argument}:
            yield from _sub(argument)
        case {"Fn::ImportValue": str(name)}:
            yield Reference("Fn::ImportValue", name)
        case {"Fn::ValueOf": [str(name), *_]}:
            yield Reference("Fn::ValueOf", name)
        case dict():
            yield from _section_references(value)
            for item in value.values():
                yield from references(item)
        case list():
            for item in value:
                yield from references(item)


def imports(value: object) -> Iterator[str]:
    """Yield the name of every export that *value* imports."""
    return _names(value, "Fn::ImportValue")


def logical_ids(value: object) -> Iterator[str]:
    """Yield every resource and parameter that *value* refers to."""
    return _names(value, "Ref", "Fn::GetAtt")


def parameters(value: object) -> Iterator[str]:
    """Yield every name in *value* that may be that of a parameter."""
    return _names(value, "Ref", "Fn::ValueOf")


def conditions(value: object) -> Iterator[str]:
    """Yield the name of every condition that *value* uses."""
    return _names(value, "Condition")


def value_names(value: object) -> Iterator[str]:
    """Yield the name of every value that *value* refers to.

    Resources and parameters have their own name, and Fn::GetAtt also Name.Attribute. The other names
    are Conditions.Name, Mappings.Name and Exports.Name.
    """
    for reference in references(value):
        match reference.function:
            case "Condition":
                yield f"Conditions.{reference.name}"
            case "Fn::FindInMap":
                yield f"Mappings.{reference.name}"
            case "Fn::ImportValue":
                yield f"{EXPORTS}{reference.name}"
            case _:
                yield reference.name
                if reference.attribute:
                    yield f"{reference.name}.{reference.attribute}"


def _names(value: object, *functions: Function) -> Iterator[str]:
    return (reference.name for reference in references(value) if reference.function in functions)


def _section_references(value: Mapping[Any, Any]) -> Iterator[Reference]:
    """Yield the condition and the mapping that *value* itself refers to."""
    match value:
        case {"Condition": str(name)} | {"Fn::If": [str(name), *_]}:
            yield Reference("Condition", name)
        case {"Fn::FindInMap": [str(name), *_]}:
            yield Reference("Fn::FindInMap", name)


def _get_att(target: str | list[Any]) -> Iterator[Reference]:
    """Yield the reference of Fn::GetAtt, whose attribute may be a reference, too."""
    name, *attribute = target.split(".", 1) if isinstance(target, str) else target
    plain = (part for part in attribute if isinstance(part, str))
    yield Reference("Fn::GetAtt", name, ".".join(plain))
    yield from references(attribute)


def _sub(argument: str | list[Any]) -> Iterator[Reference]:
    """Yield the references in the text of Fn::Sub, and those in the values of its variables."""
    text, *rest = [argument] if isinstance(argument, str) else argument
    variables = rest[0] if rest and isinstance(rest[0], dict) else {}
    for target in _PLACEHOLDER.findall(text):
        if target not in variables:
            yield from _get_att(target) if "." in target else [Reference("Ref", target)]
    yield from references(rest)
