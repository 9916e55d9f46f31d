"""The values that are passed from one stack to the next."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from troposphere import AWSHelperFn

from deployer.errors import SynthError

Value: TypeAlias = AWSHelperFn | str
Values: TypeAlias = tuple[Value, ...]

ABSENT = "none"  # The value of an output while its Parameter Store parameter does not exist.

T = TypeVar("T")


def map_values(outputs: T, change: Callable[[str, Value], Value], *, stack: str = "") -> T:
    """Return *outputs* with *change* applied to the title and the value of each output."""
    if outputs is None:
        return outputs
    if not dataclasses.is_dataclass(outputs) or isinstance(outputs, type):
        raise SynthError(
            f"{stack}: define returned {type(outputs).__name__}",
            hint="return a frozen dataclass of values, or None",
        )
    changed: dict[str, Any] = {}
    for field in dataclasses.fields(outputs):
        value, title = getattr(outputs, field.name), pascal_case(field.name)
        match value:
            case None:
                continue
            case AWSHelperFn() | str():
                changed[field.name] = change(title, value)
            case tuple() if all(isinstance(item, AWSHelperFn | str) for item in value):
                changed[field.name] = tuple(
                    change(f"{title}{number}", item) for number, item in enumerate(value, 1)
                )
            case _:
                raise SynthError(
                    f"{stack}: output {field.name!r} is {type(value).__name__}",
                    hint="an output is a value (Ref, GetAtt, Sub, str), a tuple of them, or None",
                )
    return dataclasses.replace(outputs, **changed)


def pascal_case(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[_-]", name))
