"""Decide whether a change replaces its resource, by AWS's resource schemas, which cfn-lint contains."""

from __future__ import annotations

from collections.abc import Iterable

from deployer.registry import PropertyPath, resource_type
from emulator.ministack import cloudformation
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "A change set shows for each property whether its change replaces the resource.",
        source="resource provider schemas, createOnlyProperties",
        ministack="“Conditional” for most types.",
        test="test_replacement",
    ),
)


def install() -> None:
    """Install the patch."""
    cloudformation.property_recreation.after(_recreation)


def _recreation(known: str, kind: str, name: str) -> str:
    """Return whether a change of the property *name* recreates a resource of the type *kind*.

    *known* is MiniStack's result, which is kept where MiniStack's authors measured it on AWS. The
    schema decides for all other types.
    """
    if known != "Conditionally" or kind in cloudformation.REPLACING_PROPERTIES:
        return known
    schema = resource_type(kind)
    if schema is None:
        return known
    if (name,) in schema.create_only:
        return "Always"
    conditional = _first_names(schema.create_only | schema.maybe_create_only)
    return known if name in conditional else "Never"


def _first_names(paths: Iterable[PropertyPath]) -> set[str]:
    """Return the top-level properties in *paths*: MiniStack compares only these as a whole."""
    return {path[0] for path in paths}
