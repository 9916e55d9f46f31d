"""Find the differences between two values of templates, down to the smallest part that differs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from deployer.preview.values import KeyPath

# The keys that identify an item of a list, the most specific first.
_IDENTITIES = (
    "Sid",
    "Key",
    "Name",
    "Id",
    "PolicyName",
    "IndexName",
    "AttributeName",
    "ContainerName",
    "ParameterKey",
)


@dataclass(frozen=True)
class Difference:
    """A part that differs; *before* or *after* is None if it is absent.

    A key of *path* in brackets is an item of a list, by its index or by its identity: [0] or [Web].
    """

    path: KeyPath
    before: Any
    after: Any


def differences(before: Any, after: Any, path: KeyPath = ()) -> Iterator[Difference]:
    """Yield each part that differs; intrinsic functions are not divided."""
    if before == after:
        return
    match before, after:
        case dict(), dict() if not (is_intrinsic(before) or is_intrinsic(after)):
            for key in dict.fromkeys([*before, *after]):
                yield from differences(before.get(key), after.get(key), (*path, str(key)))
        case list(), list():
            yield from _list_differences(before, after, path)
        case _:
            yield Difference(path, before, after)


def is_intrinsic(value: Any) -> bool:
    """Return whether *value* is an intrinsic function, such as {"Ref": "Vpc"}."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    (key,) = value
    return key in {"Ref", "Condition"} or str(key).startswith("Fn::")


def _list_differences(before: list[Any], after: list[Any], path: KeyPath) -> Iterator[Difference]:
    identity = _identity(before, after)
    if identity:
        old, new = ({item[identity]: item for item in items} for items in (before, after))
        if identity == "AttributeName" and (renamed := _renamed(old, new)):
            was, becomes = renamed
            new = {was if key == becomes else key: item for key, item in new.items()}
        for key in dict.fromkeys([*old, *new]):
            yield from differences(old.get(key), new.get(key), (*path, f"[{key}]"))
        if old == new:
            yield Difference(path, before, after)  # Only the order differs.
        return
    for removed, added, start in _hunks(before, after):
        for offset in range(max(len(removed), len(added))):
            old_item = removed[offset] if offset < len(removed) else None
            new_item = added[offset] if offset < len(added) else None
            yield from differences(old_item, new_item, (*path, f"[{start + offset}]"))


def _renamed(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the old and the new key if the items, in their order, differ in only one key."""
    pairs = [pair for pair in zip(old, new, strict=False) if pair[0] != pair[1]]
    return pairs[0] if len(pairs) == 1 and len(old) == len(new) else None


def _identity(before: Sequence[Any], after: Sequence[Any]) -> str:
    """Return the key whose values identify the items of both lists; empty if there is none."""
    for key in _IDENTITIES:
        if all(_is_identified(items, key) for items in (before, after)):
            return key
    return ""


def _is_identified(items: Sequence[Any], key: str) -> bool:
    values = [item.get(key) if isinstance(item, Mapping) else None for item in items]
    return all(isinstance(value, str) for value in values) and len({*values}) == len(values)


def _hunks(before: list[Any], after: list[Any]) -> Iterator[tuple[list[Any], list[Any], int]]:
    """Yield the removed and the added items of each difference, and its position in *before*."""
    old, new = (
        [json.dumps(item, sort_keys=True, default=str) for item in items]
        for items in (before, after)
    )
    for tag, start, end, new_start, new_end in SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if tag != "equal":
            yield before[start:end], after[new_start:new_end], start
