"""Compare the actions of the release role with those that CloudFormation's registry lists."""

from __future__ import annotations

import functools
import json
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from stacks.permissions.resources import MANUAL_STACKS

TABLE: dict[str, list[dict[str, Any]]] = tomllib.loads(
    Path(__file__).with_suffix(".toml").read_text()
)
KINDS = ("create", "read", "update", "tag", "delete")


def actions_of(table: str) -> list[str]:
    """Return the actions in the rows of `not_needed` or `also_needed`, or prefixes of actions."""
    return [action for row in TABLE[table] for action in row["actions"]]


NOT_NEEDED = actions_of("not_needed")  # The registry lists them, and a release does not need them.
ALSO_NEEDED = actions_of(
    "also_needed"
)  # A release needs them, and the registry does not list them.


@functools.cache
def _schemas() -> Path:
    spec = find_spec("cfnlint")
    assert spec
    assert spec.origin
    return Path(spec.origin).parent / "data" / "schemas"


@functools.cache
def _provider() -> dict[str, str]:
    """Return the schema of each resource type in the region."""
    found: dict[str, str] = json.loads((_schemas() / "providers/ca-central-1.json").read_text())
    return found


@functools.cache
def registry(type_: str) -> Any:
    """Return the schema of *type_* from cfn-lint's copy of CloudFormation's registry."""
    return json.loads((_schemas() / "resources" / f"{_provider()[type_]}.json").read_text())


def handler_permissions(type_: str, kind: str) -> set[str]:
    """Return the actions that CloudFormation calls to create, read, update, tag or delete a *type_*."""
    schema = registry(type_)
    if kind == "tag":
        return set(schema["tagging"].get("permissions", ()))
    return set(schema["handlers"].get(kind, {}).get("permissions", ()))


def types_of_releases(templates: Mapping[str, Any]) -> set[str]:
    """Return the types of all resources in the stacks of a release, by short name of the stack."""
    return {
        resource["Type"]
        for name, template in templates.items()
        if name not in MANUAL_STACKS
        for resource in template["Resources"].values()
    }


def missing(types: Iterable[str], granted: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Yield type, kind and action for each listed action that is not granted, and has no row."""
    for type_ in sorted(types):
        for kind in KINDS:
            for action in sorted(handler_permissions(type_, kind) - {*granted}):
                if not action.startswith(tuple(NOT_NEEDED)):
                    yield type_, kind, action


def surplus(types: Iterable[str], granted: Collection[str]) -> set[str]:
    """Return the granted actions that the registry does not list for *types*, and that have no row."""
    needed = {
        action for type_ in types for kind in KINDS for action in handler_permissions(type_, kind)
    }
    return {*granted} - needed - {*ALSO_NEEDED}
