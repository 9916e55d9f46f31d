"""Normalize templates, so that equivalent values are equal.

CloudFormation accepts a value in several notations: 443 and "443", true and "true", a parameter and
its default, functions such as Fn::Join and Fn::Split and their result. After normalization, scalars
are strings, text with references is a single Fn::Sub, and Fn::If is replaced by one of its branches.
`condition_outcomes` yields the combinations of branches that rules must check.
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
from deployer.policy.values import as_mapping, get, is_true

_NO_VALUE = object()  # AWS::NoValue: the property or element is removed.
_PLACEHOLDER = re.compile(r"\$\{(!?)([^${}]*)\}")
# The value of a parameter of such a type is in Parameter Store, and not in the template.
_STORED_TYPE = "AWS::SSM::Parameter::Value<"
_MAX_COMBINED = 3  # Every combination of outcomes is checked for up to this many comparisons.

# The two sides of a comparison that depends on a value outside of the template.
Comparison: TypeAlias = tuple[str, str]
Outcomes: TypeAlias = Mapping[Comparison, bool]


@dataclass(frozen=True)
class Source:
    """A template before normalization; *passed* has the parameters that the deployer passes."""

    name: str
    region: str
    template: Mapping[str, Any]
    passed: frozenset[str] = field(default_factory=frozenset)
    _variants: dict[tuple[bool, ...], Mapping[str, Any]] = field(default_factory=dict)

    def normalized(self, outcomes: Outcomes) -> Mapping[str, Any]:
        """Return the normalized template for these *outcomes* of its comparisons."""
        key = tuple(outcomes.get(comparison, True) for comparison in self.comparisons)
        if key not in self._variants:
            self._variants[key] = _normalize(self, outcomes)
        return self._variants[key]

    @cached_property
    def imports(self) -> Sequence[str]:
        """The name of every export that the template imports for any combination of outcomes."""
        variants = (self.normalized(outcomes) for outcomes in condition_outcomes([self]))
        return tuple(
            dict.fromkeys(name for variant in variants for name in intrinsics.imports(variant))
        )

    @cached_property
    def defaults(self) -> Mapping[str, Any]:
        """The defaults of the parameters that are not passed."""
        return {
            name: _default(parameter)
            for name, parameter in as_mapping(self.template.get("Parameters")).items()
            if name not in self.passed and _is_literal(parameter)
        }

    @cached_property
    def comparisons(self) -> Sequence[Comparison]:
        """The comparisons in conditions that depend on values outside of the template."""
        comparisons: dict[Comparison, None] = {}
        normalizer = Normalizer(
            self, lambda comparison: comparisons.setdefault(comparison) is not None
        )
        for name in as_mapping(self.template.get("Conditions")):
            for expression in _leaves(self.template["Conditions"][name]):
                normalizer.evaluate(expression)
        for name in intrinsics.conditions(self.template):
            if name not in as_mapping(self.template.get("Conditions")):
                normalizer.is_true(name)
        return tuple(comparisons)


def condition_outcomes(sources: Iterable[Source]) -> Iterator[Outcomes]:
    """Yield the combinations of outcomes that rules must check, without duplicates.

    For a few comparisons, yield all combinations of outcomes. For many, yield those in which all
    comparisons have the same outcome, or all but one.
    """
    comparisons = tuple(
        dict.fromkeys(comparison for source in sources for comparison in source.comparisons)
    )
    if len(comparisons) <= _MAX_COMBINED:
        rows: list[tuple[bool, ...]] = [*product((True, False), repeat=len(comparisons))]
    else:
        rows = [
            tuple(common != (number == exception) for number in range(len(comparisons)))
            for common in (True, False)
            for exception in range(-1, len(comparisons))
        ]
    for row in rows:
        outcomes = dict(zip(comparisons, row, strict=True))
        if _is_possible(outcomes):
            yield outcomes


def _normalize(source: Source, outcomes: Outcomes) -> Mapping[str, Any]:
    normalizer = Normalizer(source, lambda comparison: outcomes.get(comparison, True))
    sections = {
        section: content
        for section, content in source.template.items()
        if section not in ("Conditions", "Rules")
    }
    for section in ("Resources", "Outputs"):
        if isinstance(content := sections.get(section), dict):
            sections[section] = {
                title: body
                for title, body in content.items()
                if not isinstance(name := as_mapping(body).get("Condition"), str)
                or normalizer.is_true(name)
            }
    return {section: normalizer.value(content) for section, content in sections.items()}


@dataclass(frozen=True)
class Normalizer:
    """Normalizes the values of one template; *outcome* returns the results of its comparisons."""

    source: Source
    outcome: Callable[[Comparison], bool]
    _evaluating: set[str] = field(default_factory=set)  # A condition may refer to itself.

    def value(self, value: Any) -> Any:
        """Return *value* in normal form."""
        match value:
            case bool():
                return "true" if value else "false"
            case float() if value.is_integer():
                return str(int(value))
            case int() | float():
                return str(value)
            case list():
                items = (self.value(item) for item in value)
                return [item for item in items if item is not _NO_VALUE]
            case dict() if len(value) == 1:
                [(key, argument)] = value.items()
                return self._function(str(key), argument)
            case dict():
                return self._mapping(value)
            case _:
                return value

    def _mapping(self, value: Mapping[Any, Any]) -> dict[Any, Any]:
        pairs = ((key, self.value(item)) for key, item in value.items())
        return {key: item for key, item in pairs if item is not _NO_VALUE}

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
                return {name: self._argument(argument)} if parts is None else _compose(parts)
            case "Fn::FindInMap", [*keys]:
                return self._mapped(self.value(keys))
            case "Fn::Select", [index, options]:
                return self._selected(self.value(index), self._argument(options))
            case "Fn::Split", [str(delimiter), text] if delimiter:
                normalized = self._argument(text)
                is_text = isinstance(normalized, str)
                return normalized.split(delimiter) if is_text else {name: [delimiter, normalized]}
            case _:
                return self._mapping({name: argument})

    def _argument(self, argument: Any) -> Any:
        normalized = self.value(argument)
        return None if normalized is _NO_VALUE else normalized

    def _mapped(self, keys: list[Any]) -> Any:
        """Return the value of Fn::FindInMap with the arguments *keys*; a fourth one has the default."""
        path, options = keys[:3], keys[3:]
        mappings = as_mapping(self.source.template.get("Mappings"))
        if len(path) == 3 and all(isinstance(key, str) for key in path):
            value = get(mappings, *path)
            if value is not None:
                return self.value(value)
            if options and (default := get(options[0], "DefaultValue")) is not None:
                return default
        return {"Fn::FindInMap": keys}

    def _selected(self, index: Any, options: Any) -> Any:
        is_index = isinstance(index, str) and index.isdecimal()
        if is_index and isinstance(options, list) and int(index) < len(options):
            return options[int(index)]
        return {"Fn::Select": [index, options]}

    def _reference(self, name: str) -> Any:
        source = self.source
        match name:
            case "AWS::NoValue":
                return _NO_VALUE
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
        """Return the texts and references of *value* in order; None if it is not text."""
        match value:
            case {"Fn::Sub": str(template)}:
                return self._template_parts(template, {})
            case {"Fn::Sub": [str(template), dict(variables)]}:
                return self._template_parts(template, variables)
            case {"Fn::Join": [delimiter, list(items)]}:
                return self._joined_parts(self.value(delimiter), items)
            case {"Fn::Join": [delimiter, items]} if isinstance(row := self.value(items), list):
                return self._joined_parts(self.value(delimiter), row)
            case {"Fn::Sub": _} | {"Fn::Join": _}:
                return None
            case _:
                normalized = self.value(value)
                if isinstance(normalized, dict) and "Fn::Sub" in normalized:
                    return self._parts(normalized)
                return [normalized]

    def _joined_parts(self, delimiter: Any, items: list[Any]) -> list[Any] | None:
        row: list[Any] = []
        for item in items:
            parts = self._parts(item)
            if parts is None or not isinstance(delimiter, str):
                return None
            if any(isinstance(part, list) or part is None for part in parts):
                return None
            if parts == [_NO_VALUE]:
                continue
            row += [delimiter, *parts] if row else parts
        return row

    def _template_parts(self, template: str, variables: Mapping[str, Any]) -> list[Any] | None:
        row: list[Any] = []
        end = 0
        for match in _PLACEHOLDER.finditer(template):
            row.append(template[end : match.start()])
            end = match.end()
            escaped, name = match[1], match[2].strip()
            if escaped:
                row.append(f"${{{match[2]}}}")
            elif name in variables:
                parts = self._parts(variables[name])
                if parts is None or any(isinstance(part, list) or part is None for part in parts):
                    return None
                row += parts
            elif "." in name:
                row.append({"Fn::GetAtt": name.split(".", 1)})
            else:
                row.append(self._reference(name))
        return [part for part in [*row, template[end:]] if part is not _NO_VALUE]

    def is_true(self, condition: str) -> bool:
        """Return whether the condition with this name is true."""
        conditions = as_mapping(self.source.template.get("Conditions"))
        if condition not in conditions or condition in self._evaluating:
            return self._outcome(condition, "")
        self._evaluating.add(condition)
        try:
            return self.evaluate(conditions[condition])
        finally:
            self._evaluating.remove(condition)

    def evaluate(self, expression: Any) -> bool:
        """Return whether an expression of the Conditions section is true."""
        match expression:
            case {"Condition": str(name)}:
                return self.is_true(name)
            case {"Fn::Not": [operand]}:
                return not self.evaluate(operand)
            case {"Fn::And": list(operands)}:
                return all(self.evaluate(operand) for operand in operands)
            case {"Fn::Or": list(operands)}:
                return any(self.evaluate(operand) for operand in operands)
            case {"Fn::Equals": [left, right]}:
                return self._equal(self.value(left), self.value(right))
            case _:
                return self._outcome(_key(expression), "")

    def _equal(self, left: Any, right: Any) -> bool:
        if isinstance(left, str) and isinstance(right, str):
            return left == right
        if isinstance(left, str):
            left, right = right, left
        return self._outcome(_key(left), _key(right))

    def _outcome(self, left: str, right: str) -> bool:
        return self.outcome((f"{self.source.region} {self.source.name} {left}", right))


def _compose(parts: Sequence[Any]) -> Any:
    """Return text with references in normal form: plain text, a single reference, or Fn::Sub."""
    if all(isinstance(part, str) for part in parts):
        return "".join(parts)
    nonempty = [part for part in parts if part != ""]
    if len(nonempty) == 1:
        return nonempty[0]
    text = ""
    variables: dict[str, Any] = {}
    for part in nonempty:
        match part:
            case str():
                text += part.replace("${", "${!")
            case {"Ref": str(name)}:
                text += f"${{{name}}}"
            case {"Fn::GetAtt": [str(title), str(path)]}:
                text += f"${{{title}.{path}}}"
            case _:
                name = str(len(variables) + 1)
                variables[name] = part
                text += f"${{{name}}}"
    return {"Fn::Sub": [text, variables]} if variables else {"Fn::Sub": text}


def _default(parameter: Any) -> Any:
    default = parameter["Default"]
    if parameter["Type"] == "CommaDelimitedList" or parameter["Type"].startswith("List<"):
        return [item.strip() for item in str(default).split(",")]
    return str(default).lower() if isinstance(default, bool) else str(default)


def _is_literal(parameter: Any) -> bool:
    """Return whether the default of *parameter* is its value: no Parameter Store name, no secret."""
    definition = as_mapping(parameter)
    has_default = isinstance(definition.get("Default"), str | int | float)
    is_secret = is_true(definition.get("NoEcho"))
    type_ = definition.get("Type")
    is_literal = isinstance(type_, str) and not type_.startswith(_STORED_TYPE)
    return has_default and not is_secret and is_literal


def _leaves(expression: Any) -> Iterator[Any]:
    """Yield the expressions of a condition that contain no other expressions."""
    match expression:
        case {"Fn::Not": list(operands)} | {"Fn::And": list(operands)} | {"Fn::Or": list(operands)}:
            for operand in operands:
                yield from _leaves(operand)
        case {"Condition": str()}:
            return
        case _:
            yield expression


def _is_possible(outcomes: Outcomes) -> bool:
    """Return whether *outcomes* have no contradiction: no value equals two different texts."""
    equal = [left for (left, right), holds in outcomes.items() if holds and right.startswith('"')]
    return len(equal) == len(set(equal))


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
