"""Predict from the registry whether the change of a property replaces its resource."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from deployer.preview.values import KeyPath, Replacement
from deployer.registry import PropertyPath, ResourceType, value_at

_RANK: tuple[Replacement, ...] = ("none", "conditional", "required")


def replacement(type_: ResourceType | None, path: KeyPath, before: Any, after: Any) -> Replacement:
    """Return whether the change of the part at *path* replaces the resource.

    *path* begins with Properties; other attributes, such as DeletionPolicy, replace nothing. For a
    type that the registry does not have, return "conditional".
    """
    if path[:1] != ("Properties",):
        return "none"
    if type_ is None:
        return "conditional"
    names = without_items(path[1:])
    if _matches(type_.create_only, names, before, after):
        return "required"
    return "conditional" if _matches(type_.maybe_create_only, names, before, after) else "none"


def is_write_only(type_: ResourceType | None, path: KeyPath) -> bool:
    """Return whether AWS never returns the property at *path*, so that its drift is not detected."""
    names = without_items(path[1:])
    return type_ is not None and any(
        names[: len(pattern)] == pattern for pattern in map(without_items, type_.write_only)
    )


def strongest(replacements: Iterable[Replacement]) -> Replacement:
    """Return the strongest of *replacements*; "none" without any."""
    return max(replacements, key=_RANK.index, default="none")


def at_most(limit: Replacement, value: Replacement) -> Replacement:
    """Return *value*, or *limit* if that is weaker."""
    return min(limit, value, key=_RANK.index)


def without_items(path: Iterable[str]) -> tuple[str, ...]:
    """Return *path* without the items of lists, which the registry writes as `*` or leaves out."""
    return tuple(key for key in path if key != "*" and not key.startswith("["))


def _matches(patterns: Iterable[PropertyPath], names: KeyPath, before: Any, after: Any) -> bool:
    return any(_differs(without_items(pattern), names, before, after) for pattern in patterns)


def _differs(pattern: KeyPath, names: KeyPath, before: Any, after: Any) -> bool:
    """Return whether the change at *names* changes the value at *pattern*."""
    if names[: len(pattern)] == pattern:
        return True
    if pattern[: len(names)] != names:
        return False
    inner = pattern[len(names) :]
    return bool(value_at(before, inner) != value_at(after, inner))
