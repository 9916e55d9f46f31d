"""Import resources of every type that AWS can import, not only of those that MiniStack looks up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from deployer.registry import import_identifier
from emulator.ministack import cloudformation
from emulator.ministack.cloudformation import Attributes, Created
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "A resource that was replaced and retained can be imported again, whatever its type.",
        source="user guide, Resource type support",
        ministack="Only types for which it has a lookup.",
        test="test_import_of_replaced_resource",
    ),
)

# The attributes of replaced resources, by type and physical id.
_replaced: dict[tuple[str, str], Attributes] = {}


def install() -> None:
    """Install the patch."""
    cloudformation.update_resource.around(_update)
    for name, handlers in cloudformation.TYPES.items():
        handlers.setdefault("import", partial(_adopt, name))


def _update(update: Callable[..., Created], *args: Any) -> Created:
    """Keep the attributes of a resource that an update replaces."""
    created = update(*args)
    type_, physical_id, attributes = args[0], args[1], args[-1]
    if created[0] != physical_id and isinstance(attributes, dict):
        _replaced[type_, physical_id] = attributes
    return created


def _adopt(type_: str, identifier: Mapping[str, str]) -> Created:
    """Return the resource with this *identifier*; raise ValueError if AWS cannot import its type."""
    key = import_identifier(type_)
    if key is None or [*identifier] != [key]:
        message = f"ResourceTypes [{type_}] are not supported for Import"
        raise ValueError(message)
    return identifier[key], _replaced.get((type_, identifier[key]), {})
