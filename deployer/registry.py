"""Look up resource types in CloudFormation's registry, which is part of the cfn-lint package.

The files are read as JSON, since importing cfn-lint takes seconds.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

PropertyPath: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class ResourceType:
    """The properties whose change replaces a resource; `*` in a path means each item of a list.

    AWS never returns the values of *write_only* properties.
    """

    create_only: frozenset[PropertyPath]
    maybe_create_only: frozenset[PropertyPath]
    write_only: frozenset[PropertyPath] = frozenset()


# A function that returns the type of a name, such as `resource_type`.
Lookup: TypeAlias = Callable[[str], ResourceType | None]


@functools.cache
def resource_type(name: str) -> ResourceType | None:
    """Return the type *name*, such as AWS::S3::Bucket; None if the registry does not have it."""
    definition = schema(name)
    if definition is None:
        return None
    return ResourceType(
        create_only=_paths(definition.get("createOnlyProperties", ())),
        maybe_create_only=_paths(definition.get("conditionalCreateOnlyProperties", ())),
        write_only=_paths(definition.get("writeOnlyProperties", ())),
    )


def import_identifier(name: str) -> str | None:
    """Return the property that identifies a resource of type *name* in an import.

    None if the type cannot be imported, or needs several properties: then the physical id alone
    does not identify it.
    """
    definition = schema(name)
    if definition is None or "read" not in definition.get("handlers", {}):
        return None
    identifier = definition.get("primaryIdentifier", ())
    return identifier[0].rpartition("/")[2] if len(identifier) == 1 else None


def value_at(value: Any, path: PropertyPath) -> Any:
    """Return the value at *path* in *value*. At a list, return the values of all its items.

    `*` for the items of a list may be left out of the path.
    """
    if not path:
        return value
    match value:
        case dict():
            return value_at(value.get(path[0]), path[1:])
        case list():
            return [value_at(item, path[1:] if path[0] == "*" else path) for item in value]
        case _:
            return None


def schema(name: str) -> dict[str, Any] | None:
    """Return the schema that AWS publishes for the type *name*; None if there is none."""
    if name not in _files():
        return None
    definition: dict[str, Any] = json.loads((_data() / "resources" / _files()[name]).read_text())
    return definition


def types(region: str) -> tuple[str, ...]:
    """Return the names of the types that a region has; all types for an unknown region."""
    file = _data() / "providers" / f"{region}.json"
    return tuple(sorted(json.loads(file.read_text()) if file.is_file() else _files()))


def _paths(pointers: Iterable[str]) -> frozenset[PropertyPath]:
    """Convert JSON pointers: `/properties/Endpoint/Address` becomes (Endpoint, Address)."""
    return frozenset(tuple(pointer.split("/")[2:]) for pointer in pointers)


@functools.cache
def _files() -> dict[str, str]:
    """Return the file of each type's schema; us-east-1 has all types."""
    index = json.loads((_data() / "providers" / "us-east-1.json").read_text())
    return {name: f"{file}.json" for name, file in index.items()}


@functools.cache
def _data() -> Path:
    spec = find_spec("cfnlint")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("cfnlint")
    return Path(spec.origin).parent / "data" / "schemas"
