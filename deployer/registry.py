"""What CloudFormation's registry says of a resource type: data that cfn-lint's package carries.

Read as plain JSON, since importing cfn-lint costs seconds.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

PropertyPath: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class ResourceType:
    """Which properties, if they change, make a resource anew; `*` stands for every list item."""

    create_only: frozenset[PropertyPath]
    maybe_create_only: frozenset[PropertyPath]


@functools.cache
def resource_type(name: str) -> ResourceType | None:
    """The type called *name*, such as AWS::S3::Bucket; None if the registry does not know it."""
    known = schema(name)
    if known is None:
        return None
    return ResourceType(
        create_only=_paths(known.get("createOnlyProperties", ())),
        maybe_create_only=_paths(known.get("conditionalCreateOnlyProperties", ())),
    )


def schema(name: str) -> dict[str, Any] | None:
    """The whole schema of the type called *name*, as AWS publishes it; None if it is unknown."""
    if name not in _files():
        return None
    found: dict[str, Any] = json.loads((_data() / "resources" / _files()[name]).read_text())
    return found


def _paths(pointers: Iterable[str]) -> frozenset[PropertyPath]:
    """`/properties/Endpoint/Address` as (Endpoint, Address)."""
    return frozenset(tuple(pointer.split("/")[2:]) for pointer in pointers)


@functools.cache
def _files() -> dict[str, str]:
    """The file of each type's schema; us-east-1 has them all."""
    index = json.loads((_data() / "providers" / "us-east-1.json").read_text())
    return {name: f"{file}.json" for name, file in index.items()}


@functools.cache
def _data() -> Path:
    spec = find_spec("cfnlint")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("cfnlint")
    return Path(spec.origin).parent / "data" / "schemas"
