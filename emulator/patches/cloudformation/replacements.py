"""Which properties replace their resource is read from AWS's own schemas, as cfn-lint ships them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from deployer.registry import PropertyPath, resource_type
from emulator import ministack

Recreation = Callable[[str, str], str]


def close() -> None:
    """Look up types the emulator knows nothing of; where it measured AWS, it keeps its own."""
    ministack.wrap("_property_recreation", _recreation)


def _recreation(known: Recreation) -> Recreation:
    def recreation(kind: str, name: str) -> str:
        found = known(kind, name)
        if found != "Conditionally" or kind in ministack.MEASURED_REPLACEMENTS:
            return found
        type_ = resource_type(kind)
        if type_ is None:
            return found
        if (name,) in type_.create_only:
            return "Always"
        return found if name in _tops(type_.create_only | type_.maybe_create_only) else "Never"

    return recreation


def _tops(paths: Iterable[PropertyPath]) -> set[str]:
    """The properties themselves: the emulator does not look into them, so some of it may replace."""
    return {path[0] for path in paths}
