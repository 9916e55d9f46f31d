"""Compare the statements of policies: added, removed, widened or narrowed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from deployer.policy.values import as_list, as_mapping, get, text
from deployer.preview.differences import is_intrinsic
from deployer.preview.values import Direction, KeyPath, StatementChange

# The elements with patterns; each also exists with the prefix Not.
_ELEMENTS = ("Action", "Resource", "Principal")
_WIDER: Mapping[bool, Direction] = {True: "widened", False: "narrowed"}


def statement_changes(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[StatementChange, ...]:
    """Return the changes of all statements in the properties of a resource."""
    old, new = dict(_documents(before)), dict(_documents(after))
    return tuple(
        change
        for place in dict.fromkeys([*old, *new])
        for change in _compare(place, old.get(place, []), new.get(place, []))
    )


def statement_paths(properties: Mapping[str, Any]) -> frozenset[KeyPath]:
    """Return the path of each list of statements in the properties of a resource."""
    return frozenset(path for path, _ in _found(properties, ("Properties",), ""))


def _documents(properties: Mapping[str, Any]) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Yield the statements of each policy document, with the name of the policy."""
    for path, name in _found(properties, ("Properties",), ""):
        document: Any = {"Properties": properties}
        for key in path:
            document = document[int(key[1:-1])] if key.startswith("[") else document[key]
        yield name, [as_mapping(statement) for statement in as_list(document)]


def _found(value: Any, path: KeyPath, name: str) -> Iterator[tuple[KeyPath, str]]:
    """Yield the path of each list of statements, and the name of its policy or its property."""
    match value:
        case dict() if is_intrinsic(value):
            return
        case {"Statement": list() | dict()}:
            yield (*path, "Statement"), name
        case dict():
            inner = text(get(value, "PolicyName"))
            for key, item in value.items():
                is_document = key == "PolicyDocument" and (inner or name)
                yield from _found(
                    item, (*path, str(key)), inner or (name if is_document else str(key))
                )
        case list():
            for index, item in enumerate(value):
                yield from _found(item, (*path, f"[{index}]"), name)


def _compare(
    place: str, old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> Iterator[StatementChange]:
    """Yield the changes of one document; statements with the same Sid are compared."""
    removed = [statement for statement in old if statement not in new]
    added = [statement for statement in new if statement not in old]
    for statement in removed:
        other = next((item for item in added if _is_same(statement, item)), None)
        if other is None:
            grants = statement.get("Effect") == "Deny"
            yield StatementChange(_name(place, statement), "removed", statement, None, grants)
        else:
            added.remove(other)
            direction, grants = _direction(statement, other)
            yield StatementChange(_name(place, other), direction, statement, other, grants)
    for statement in added:
        grants = statement.get("Effect") != "Deny"
        yield StatementChange(_name(place, statement), "added", None, statement, grants)


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether both are versions of one statement: the Sid or all but one element are equal."""
    if one.get("Sid") or other.get("Sid"):
        return bool(one.get("Sid") == other.get("Sid"))
    differing = [key for key in one.keys() | other.keys() if one.get(key) != other.get(key)]
    return len(differing) == 1


def _name(place: str, statement: Mapping[str, Any]) -> str:
    sid = text(statement.get("Sid"))
    return f"{place}/{sid}" if sid else place


def _direction(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Direction, bool]:
    """Return how a statement changes, and whether more is allowed afterwards."""
    if old.get("Effect") != new.get("Effect"):
        return "changed", new.get("Effect") == "Allow"
    sides = {side for element in _ELEMENTS for side in _sides(element, old, new)}
    sides |= _condition_sides(old.get("Condition"), new.get("Condition"))
    known = {"Sid", "Effect", "Condition", *_ELEMENTS, *(f"Not{name}" for name in _ELEMENTS)}
    if any(old.get(key) != new.get(key) for key in (old.keys() | new.keys()) - known):
        sides |= {True, False}
    if not sides:
        return "changed", False
    allows = new.get("Effect") == "Allow"
    grants = (True in sides) if allows else (False in sides)
    if len(sides) == 2:
        return "changed", grants
    (is_wider,) = sides
    return _WIDER[is_wider], grants


def _sides(element: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[bool]:
    """Yield True if the statement covers more of *element* than before, and False if less."""
    excluded = f"Not{element}"
    if (element in old, excluded in old) != (element in new, excluded in new):
        yield from (True, False)
        return
    for key, is_wider in ((element, True), (excluded, False)):
        before, after = (_patterns(element, side.get(key)) for side in (old, new))
        if not _covers(before, after):
            yield is_wider
        if not _covers(after, before):
            yield not is_wider


def _condition_sides(old: Any, new: Any) -> set[bool]:
    """Return {True} if conditions are removed, {False} if some are added, or both."""
    before, after = ({*_conditions(side)} for side in (old, new))
    return {
        is_wider
        for is_wider, differing in ((True, before - after), (False, after - before))
        if differing
    }


def _conditions(condition: Any) -> Iterator[str]:
    for operator, keys in as_mapping(condition).items():
        for key, value in as_mapping(keys).items():
            yield json.dumps([operator, key, value], sort_keys=True, default=str)


def _patterns(element: str, value: Any) -> list[str]:
    """Return the patterns of an element as text; IAM compares actions without regard to case."""
    if element == "Principal" and isinstance(value, dict) and not is_intrinsic(value):
        return [f"{kind}:{_text(item)}" for kind, items in value.items() for item in as_list(items)]
    patterns = [_text(item) for item in as_list(value)]
    return [pattern.lower() for pattern in patterns] if element == "Action" else patterns


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


def _covers(patterns: Sequence[str], values: Sequence[str]) -> bool:
    """Return whether one of *patterns* matches each of *values*."""
    return all(
        any(pattern == value or fnmatchcase(value, _literal(pattern)) for pattern in patterns)
        for value in values
    )


def _literal(pattern: str) -> str:
    """Return *pattern* for fnmatch, where a bracket has no meaning in IAM."""
    return pattern.replace("[", "[[]")
