"""The values that pass from one stack to the next."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from troposphere import AWSHelperFn

from deployer.errors import SynthError

Value: TypeAlias = AWSHelperFn | str
Values: TypeAlias = tuple[Value, ...]

ABSENT = "none"

T = TypeVar("T")


def map_values(outputs: T, change: Callable[[str, Value], Value], *, of: str = "") -> T:
    """*outputs* with *change* applied to each value; its title is that of the output."""
    if outputs is None:
        return outputs
    if not dataclasses.is_dataclass(outputs) or isinstance(outputs, type):
        raise SynthError(
            f"{of}: define returned {type(outputs).__name__}",
            hint="return a frozen dataclass of values, or None",
        )
    changed: dict[str, Any] = {}
    for each in dataclasses.fields(outputs):
        value, title = getattr(outputs, each.name), pascal_case(each.name)
        match value:
            case None:
                continue
            case AWSHelperFn() | str():
                changed[each.name] = change(title, value)
            case tuple() if all(isinstance(one, AWSHelperFn | str) for one in value):
                changed[each.name] = tuple(
                    change(f"{title}{number}", one) for number, one in enumerate(value, 1)
                )
            case _:
                raise SynthError(
                    f"{of}: output {each.name!r} is {type(value).__name__}",
                    hint="an output is a value (Ref, GetAtt, Sub, str), a tuple of them, or None",
                )
    return dataclasses.replace(outputs, **changed)


def pascal_case(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[_-]", name))
