"""Recognize resources that move to another stack or get another logical id.

CloudFormation would create a new resource and remove the old one. Candidates are removed and added
resources of one type and region. They match by their fixed name, by equal properties, or by nearly
equal ones, in this order. References are compared by what they refer to, not by logical ids or
exports. If several resources match, all of them are reported: nothing is guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from deployer.model.template_tree import LogicalIds
from deployer.preview.propagation import export_name
from deployer.preview.reviewed import ReviewedStack
from deployer.preview.values import Ambiguity, Place, Rename, Renames
from deployer.update_refusals import fixed_name_of

Key: TypeAlias = tuple[str, str, LogicalIds]  # The region, the stack, the path and logical id.

_NEAR = 0.75  # The share of equal values from which properties are nearly equal.
_MIN_EQUAL = 2  # The minimum number of equal values of nearly equal properties.
_PLACEHOLDER = re.compile(r"\$\{\s*(\w+)(?:\.([\w.]+))?\s*\}")


def find_renames(before: Iterable[ReviewedStack], after: Iterable[ReviewedStack]) -> Renames:
    """Return the renames from the stacks *before* to the stacks *after*."""
    old, new = _Side([*before]), _Side([*after])
    existing = {stack.key for stack in old.stacks}
    removed = [*_candidates(old, new, existing)]
    added = [*_candidates(new, old, existing)]
    found: list[Rename] = []
    ambiguous: list[Ambiguity] = []
    for matches in (_same_name, _equal, _nearly_equal):
        matched: set[Place] = set()
        for olds, news in _components(removed, added, matches):
            matched |= {item.place for item in (*olds, *news)}
            if len(olds) == len(news) == 1:
                found.append(_rename(olds[0], news[0]))
            else:
                places = [tuple(sorted(item.place for item in side)) for side in (olds, news)]
                ambiguous.append(Ambiguity(olds[0].type, places[0], places[1]))
        removed = [item for item in removed if item.place not in matched]
        added = [item for item in added if item.place not in matched]
    return Renames(
        tuple(sorted(found, key=lambda rename: rename.before)),
        tuple(sorted(ambiguous, key=lambda item: item.before)),
    )


@dataclass(frozen=True)
class _Candidate:
    """A resource that exists only before or only after; *values* are its properties by their path."""

    place: Place
    resource: Mapping[str, Any]
    values: Mapping[str, str]

    @property
    def type(self) -> str:
        return str(self.resource.get("Type", ""))

    @property
    def name(self) -> str:
        """The fixed name, if it consists of text only."""
        name = fixed_name_of(self.resource)
        return name[1] if name and "{" not in name[1] else ""


@dataclass(frozen=True)
class _Side:
    """All stacks before or after the change."""

    stacks: Sequence[ReviewedStack]

    @cached_property
    def resources(self) -> Mapping[Key, tuple[ReviewedStack, Mapping[str, Any]]]:
        """Each resource with its stack."""
        return {
            (stack.region, stack.name, (*path, title)): (stack, resource)
            for stack in self.stacks
            for path, tree in stack.templates.walk()
            for title, resource in tree.resources.items()
        }

    @cached_property
    def exports(self) -> Mapping[tuple[str, str], tuple[ReviewedStack, Any]]:
        """The value of each export with its stack, by region and name."""
        return {
            (stack.region, name): (stack, output.get("Value"))
            for stack in self.stacks
            for output in (stack.templates.body.get("Outputs") or {}).values()
            if (name := export_name(output))
        }


@dataclass(frozen=True)
class _Comparable:
    """A conversion of the values of one side to a form without logical ids that the other side lacks."""

    side: _Side
    other: _Side
    seen: frozenset[Key] = field(default_factory=frozenset)

    def value(self, value: Any, stack: ReviewedStack, path: LogicalIds) -> Any:
        """Return *value*, a part of the template of *stack* at *path*, with comparable references."""
        match value:
            case {"Ref": str(name)}:
                return self._reference(name, "", stack, path)
            case {"Fn::GetAtt": [str(name), *attribute]}:
                return self._reference(name, ".".join(map(str, attribute)), stack, path)
            case {"Fn::ImportValue": str(name)} if (stack.region, name) in self.side.exports:
                producer, exported = self.side.exports[stack.region, name]
                return self.value(exported, producer, ())
            case {"Fn::Sub": str(text)}:
                return {"Fn::Sub": self._text(text, stack, path)}
            case dict():
                return {key: self.value(item, stack, path) for key, item in value.items()}
            case list():
                return [self.value(item, stack, path) for item in value]
            case _:
                return value

    def _text(self, text: str, stack: ReviewedStack, path: LogicalIds) -> list[Any]:
        parts = _PLACEHOLDER.split(text)
        names = zip(parts[1::3], parts[2::3], strict=True)
        return [
            parts[::3],
            [self._reference(name, attribute or "", stack, path) for name, attribute in names],
        ]

    def _reference(self, name: str, attribute: str, stack: ReviewedStack, path: LogicalIds) -> Any:
        key = (stack.region, stack.name, (*path, name))
        if key not in self.side.resources:
            return ["value", name, attribute]
        if key in self.other.resources:
            return ["resource", *key, attribute]
        if key in self.seen:
            return ["resource", "of a cycle", attribute]
        _, resource = self.side.resources[key]
        inner = _Comparable(self.side, self.other, self.seen | {key})
        properties = inner.value(resource.get("Properties") or {}, stack, path)
        return ["resource like", resource.get("Type"), properties, attribute]


def _candidates(
    side: _Side, other: _Side, existing: Iterable[tuple[str, str]]
) -> Iterator[_Candidate]:
    """Yield the resources of *side* that *other* does not have, or has with another type."""
    for key, (stack, resource) in side.resources.items():
        counterpart = other.resources.get(key)
        if counterpart is not None and counterpart[1].get("Type") == resource.get("Type"):
            continue
        comparable = _Comparable(side, other, frozenset([key]))
        path = key[2]
        properties = comparable.value(resource.get("Properties") or {}, stack, path[:-1])
        place = Place(
            stack.region, stack.name, stack.short_name, path, stack.key not in {*existing}
        )
        yield _Candidate(place, resource, dict(_leaves(properties)))


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each value in properties by its path; tags are left out."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            if path or key != "Tags":
                yield from _leaves(item, f"{path}.{key}")
    else:
        yield path, json.dumps(value, sort_keys=True, default=str)


def _same_name(old: _Candidate, new: _Candidate) -> bool:
    return bool(old.name) and old.name == new.name


def _equal(old: _Candidate, new: _Candidate) -> bool:
    return old.values == new.values


def _nearly_equal(old: _Candidate, new: _Candidate) -> bool:
    equal = len(old.values.items() & new.values.items())
    return equal >= _MIN_EQUAL and equal >= _NEAR * len(old.values.keys() | new.values.keys())


def _components(
    removed: Sequence[_Candidate],
    added: Sequence[_Candidate],
    matches: Callable[[_Candidate, _Candidate], bool],
) -> Iterator[tuple[list[_Candidate], list[_Candidate]]]:
    """Yield the connected components of the graph of matching candidates, old and new ones."""
    edges = {
        old.place: [
            new
            for new in added
            if new.type == old.type and new.place.region == old.place.region and matches(old, new)
        ]
        for old in removed
    }
    remaining = [old for old in removed if edges[old.place]]
    while remaining:
        olds, news = [remaining.pop(0)], []
        for old in olds:
            for new in edges[old.place]:
                if new not in news:
                    news.append(new)
            linked = [item for item in remaining if any(new in edges[item.place] for new in news)]
            olds += linked
            remaining = [item for item in remaining if item not in linked]
        yield olds, news


def _rename(old: _Candidate, new: _Candidate) -> Rename:
    return Rename(
        old.type,
        old.place,
        new.place,
        _equal(old, new),
        old.name if old.name == new.name else "",
        old.resource.get("DeletionPolicy") in {"Retain", "RetainExceptOnCreate"},
    )
