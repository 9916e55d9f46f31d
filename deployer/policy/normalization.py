"""Write every template in one spelling, so that a rule compares each value once.

CloudFormation takes a value in many spellings: 443 and "443", true and "true", a parameter and
its default, Fn::Join and Fn::Sub and the text that they make. Here each becomes the same value:
scalars are strings, text with references is one Fn::Sub, Fn::If is the branch that was chosen.
`assignments` says which branches there are, so that rules see each of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any, TypeAlias

from deployer.model import intrinsics
from deployer.policy.values import get, mapping, true

_NOTHING = object()  # AWS::NoValue: the property or element is as good as not written.
_PLACEHOLDER = re.compile(r"\$\{(!?)([^${}]*)\}")
_LITERAL_TYPES = {"String", "Number", "CommaDelimitedList", "List<Number>"}
_FEW_TESTS = 3  # Up to here every combination of outcomes is seen.

# A comparison whose outcome the template leaves open: what is compared, and with what.
Test: TypeAlias = tuple[str, str]
Outcomes: TypeAlias = Mapping[Test, bool]


@dataclass(frozen=True)
class Source:
    """A template as it was written; *given* are the parameters that the deployer fills."""

    name: str
    region: str
    template: Mapping[str, Any]
    given: frozenset[str] = field(default_factory=frozenset)
    _variants: dict[tuple[bool, ...], Mapping[str, Any]] = field(default_factory=dict)

    def normal(self, outcomes: Outcomes) -> Mapping[str, Any]:
        """Return the template in one spelling, with what there is when *outcomes* are so."""
        key = tuple(outcomes.get(test, True) for test in self.tests)
        if key not in self._variants:
            self._variants[key] = _normal(self, outcomes)
        return self._variants[key]

    @cached_property
    def imports(self) -> Sequence[str]:
        """The name of every export that it imports, whatever the outcomes are."""
        variants = (self.normal(outcomes) for outcomes in assignments([self]))
        return tuple(
            dict.fromkeys(name for variant in variants for name in intrinsics.imports(variant))
        )

    @cached_property
    def defaults(self) -> Mapping[str, Any]:
        """The values of the parameters that are not passed: their defaults."""
        return {
            name: _default(parameter)
            for name, parameter in mapping(self.template.get("Parameters")).items()
            if name not in self.given and _is_literal(parameter)
        }

    @cached_property
    def tests(self) -> Sequence[Test]:
        """The comparisons in its conditions whose outcome is open."""
        found: dict[Test, None] = {}
        spelling = Spelling(self, lambda test: found.setdefault(test) is not None)
        for name in mapping(self.template.get("Conditions")):
            for expression in _leaves(self.template["Conditions"][name]):
                spelling.holds(expression)
        for name in intrinsics.conditions(self.template):
            if name not in mapping(self.template.get("Conditions")):
                spelling.is_true(name)
        return tuple(found)


def assignments(sources: Iterable[Source]) -> Iterator[Outcomes]:
    """Yield the outcomes of all open comparisons that rules have to see, each once.

    All combinations of a few; of many, those in which all have one outcome, or all but one.
    """
    tests = tuple(dict.fromkeys(test for source in sources for test in source.tests))
    if len(tests) <= _FEW_TESTS:
        rows: list[tuple[bool, ...]] = [*product((True, False), repeat=len(tests))]
    else:
        rows = [
            tuple(common != (number == odd) for number in range(len(tests)))
            for common in (True, False)
            for odd in range(-1, len(tests))
        ]
    for row in rows:
        outcomes = dict(zip(tests, row, strict=True))
        if _is_possible(outcomes):
            yield outcomes


def _normal(source: Source, outcomes: Outcomes) -> Mapping[str, Any]:
    spelling = Spelling(source, lambda test: outcomes.get(test, True))
    sections = {
        section: content
        for section, content in source.template.items()
        if section not in ("Conditions", "Rules")
    }
    if isinstance(resources := sections.get("Resources"), dict):
        sections["Resources"] = {
            title: body
            for title, body in resources.items()
            if not isinstance(name := mapping(body).get("Condition"), str) or spelling.is_true(name)
        }
    return {section: spelling.value(content) for section, content in sections.items()}


@dataclass(frozen=True)
class Spelling:
    """Rewrites the values of one template; *outcome* decides the comparisons that are open."""

    source: Source
    outcome: Callable[[Test], bool]
    _asked: set[str] = field(default_factory=set)  # Conditions on the way: one may name itself.

    def value(self, value: Any) -> Any:
        """Return *value* in one spelling."""
        match value:
            case bool():
                return "true" if value else "false"
            case float() if value.is_integer():
                return str(int(value))
            case int() | float():
                return str(value)
            case list():
                each = (self.value(one) for one in value)
                return [one for one in each if one is not _NOTHING]
            case dict() if len(value) == 1:
                [(key, argument)] = value.items()
                return self._function(str(key), argument)
            case dict():
                return self._mapping(value)
            case _:
                return value

    def _mapping(self, value: Mapping[Any, Any]) -> dict[Any, Any]:
        pairs = ((key, self.value(one)) for key, one in value.items())
        return {key: one for key, one in pairs if one is not _NOTHING}

    def _function(self, name: str, argument: Any) -> Any:
        match name, argument:
            case "Ref", str(target):
                return self._reference(target)
            case "Fn::GetAtt", str(target) if "." in target:
                return {"Fn::GetAtt": target.split(".", 1)}
            case "Fn::GetAtt", [str(title), *path] if all(isinstance(p, str) for p in path):
                return {"Fn::GetAtt": [title, ".".join(path)]}
            case "Fn::If", [str(condition), yes, no]:
                return self.value(yes if self.is_true(condition) else no)
            case (("Fn::Sub" | "Fn::Join"), _):
                parts = self._parts({name: argument})
                return {name: self._inner(argument)} if parts is None else _composed(parts)
            case "Fn::FindInMap", [_, _, _]:
                keys = self.value(argument)
                found = mapping(self.source.template.get("Mappings"))
                known = get(found, *keys) if all(isinstance(k, str) for k in keys) else None
                return {name: keys} if known is None else self.value(known)
            case "Fn::Select", [index, list(options)]:
                return self._selected(self.value(index), self.value(options))
            case _:
                return self._mapping({name: argument})

    def _inner(self, argument: Any) -> Any:
        inner = self.value(argument)
        return None if inner is _NOTHING else inner

    def _selected(self, index: Any, options: list[Any]) -> Any:
        if isinstance(index, str) and index.isdecimal() and int(index) < len(options):
            return options[int(index)]
        return {"Fn::Select": [index, options]}

    def _reference(self, name: str) -> Any:
        source = self.source
        match name:
            case "AWS::NoValue":
                return _NOTHING
            case "AWS::Partition":
                return "aws"
            case "AWS::URLSuffix":
                return "amazonaws.com"
            case "AWS::Region":
                return source.region
            case "AWS::StackName":
                return source.name
            case _:
                return source.defaults.get(name, {"Ref": name})

    def _parts(self, value: Any) -> list[Any] | None:
        """The text and the references of *value* in a row; None if it is no text."""
        match value:
            case {"Fn::Sub": str(template)}:
                return self._template_parts(template, {})
            case {"Fn::Sub": [str(template), dict(given)]}:
                return self._template_parts(template, given)
            case {"Fn::Join": [between, list(items)]}:
                return self._joined_parts(self.value(between), items)
            case {"Fn::Sub": _} | {"Fn::Join": _}:
                return None
            case _:
                known = self.value(value)
                if isinstance(known, dict) and ("Fn::Sub" in known or "Fn::Join" in known):
                    return self._parts(known) if "Fn::Sub" in known else [known]
                return [known]

    def _joined_parts(self, between: Any, items: list[Any]) -> list[Any] | None:
        row: list[Any] = []
        for item in items:
            parts = self._parts(item)
            if parts is None or not isinstance(between, str):
                return None
            if any(isinstance(part, list) or part is None for part in parts):
                return None
            if parts == [_NOTHING]:
                continue
            row += [between, *parts] if row else parts
        return row

    def _template_parts(self, template: str, given: Mapping[str, Any]) -> list[Any] | None:
        row: list[Any] = []
        end = 0
        for match in _PLACEHOLDER.finditer(template):
            row.append(template[end : match.start()])
            end = match.end()
            escaped, name = match[1], match[2].strip()
            if escaped:
                row.append(f"${{{match[2]}}}")
            elif name in given:
                parts = self._parts(given[name])
                if parts is None or any(isinstance(part, list) or part is None for part in parts):
                    return None
                row += parts
            elif "." in name:
                row.append({"Fn::GetAtt": name.split(".", 1)})
            else:
                row.append(self._reference(name))
        return [part for part in [*row, template[end:]] if part is not _NOTHING]

    def is_true(self, condition: str) -> bool:
        """Whether the condition of this name holds."""
        known = mapping(self.source.template.get("Conditions"))
        if condition not in known or condition in self._asked:
            return self._open(condition, "")
        self._asked.add(condition)
        try:
            return self.holds(known[condition])
        finally:
            self._asked.remove(condition)

    def holds(self, expression: Any) -> bool:
        """Whether an expression of the Conditions section holds."""
        match expression:
            case {"Condition": str(name)}:
                return self.is_true(name)
            case {"Fn::Not": [inner]}:
                return not self.holds(inner)
            case {"Fn::And": list(every)}:
                return all(self.holds(one) for one in every)
            case {"Fn::Or": list(some)}:
                return any(self.holds(one) for one in some)
            case {"Fn::Equals": [left, right]}:
                return self._equal(self.value(left), self.value(right))
            case _:
                return self._open(_key(expression), "")

    def _equal(self, left: Any, right: Any) -> bool:
        if isinstance(left, str) and isinstance(right, str):
            return left == right
        if isinstance(left, str):
            left, right = right, left
        return self._open(_key(left), _key(right))

    def _open(self, what: str, other: str) -> bool:
        return self.outcome((f"{self.source.region} {self.source.name} {what}", other))


def _composed(parts: Sequence[Any]) -> Any:
    """The one spelling of text with references: plain text, a reference alone, or Fn::Sub."""
    if all(isinstance(part, str) for part in parts):
        return "".join(parts)
    some = [part for part in parts if part != ""]
    if len(some) == 1:
        return some[0]
    text = ""
    given: dict[str, Any] = {}
    for part in some:
        match part:
            case str():
                text += part.replace("${", "${!")
            case {"Ref": str(name)}:
                text += f"${{{name}}}"
            case {"Fn::GetAtt": [str(title), str(path)]}:
                text += f"${{{title}.{path}}}"
            case _:
                name = str(len(given) + 1)
                given[name] = part
                text += f"${{{name}}}"
    return {"Fn::Sub": [text, given]} if given else {"Fn::Sub": text}


def _default(parameter: Any) -> Any:
    default = parameter["Default"]
    if parameter.get("Type") in ("CommaDelimitedList", "List<Number>"):
        return [one.strip() for one in str(default).split(",")]
    return str(default).lower() if isinstance(default, bool) else str(default)


def _is_literal(parameter: Any) -> bool:
    """Whether its default is its value: not a name in Parameter Store, not a secret."""
    known = mapping(parameter)
    literal = isinstance(known.get("Default"), str | int | float) and not true(known.get("NoEcho"))
    return literal and known.get("Type") in _LITERAL_TYPES


def _leaves(expression: Any) -> Iterator[Any]:
    """The expressions in a condition that no other condition is part of."""
    match expression:
        case {"Fn::Not": list(inner)} | {"Fn::And": list(inner)} | {"Fn::Or": list(inner)}:
            for one in inner:
                yield from _leaves(one)
        case {"Condition": str()}:
            return
        case _:
            yield expression


def _is_possible(outcomes: Outcomes) -> bool:
    """One value equals one text at most."""
    equal = [what for (what, other), yes in outcomes.items() if yes and other.startswith('"')]
    return len(equal) == len(set(equal))


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
