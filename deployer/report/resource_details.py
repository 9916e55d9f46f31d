"""Explain the change of a resource: properties, IAM statements, security group rules and code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deployer.preview.differences import differences
from deployer.preview.values import (
    CodeChange,
    Direction,
    PropertyChange,
    ResourceChange,
    StatementChange,
    property_name,
)
from deployer.report.property_values import name_of
from deployer.report.style import Emphasis
from deployer.report.template_values import change_text, value_text
from deployer.report.text import clean

MARKS: Mapping[str, tuple[str, Emphasis]] = {
    "removed": ("-", "red"),
    "replaced": ("±", "red"),
    "may be replaced": ("±", "red"),
    "changed": ("~", "yellow"),
    "widened": ("~", "yellow"),
    "narrowed": ("~", "yellow"),
    "added": ("+", "green"),
}
_REPLACEMENTS = {"required": "forces replacement", "conditional": "may force replacement"}


def property_text(changes: Sequence[PropertyChange], file: str, *, has_effect: bool = True) -> str:
    """Return the text of *changes*, the changes of one property of similar resources.

    It has each different value once, the effect of the change if *has_effect*, and the setting in the
    config *file* that caused the change.
    """
    change = changes[0]
    values = dict.fromkeys(
        change_text(name_of(item.path), item.before, item.after)
        for item in changes
        if not item.cause
    )
    notes = [
        _REPLACEMENTS.get(change.replacement, "") if has_effect else "",
        f"because of {clean(change.cause)}" if change.cause else "",
        f"{file}: {', '.join(map(clean, change.settings))}" if change.settings else "",
    ]
    # A change without a property is that of the type.
    text = ": ".join(filter(None, (clean(change.name) or "type", "; ".join(values))))
    note = ", ".join(filter(None, notes))
    return f"{text}  # {note}" if note else text


def detail_lines(changes: Sequence[ResourceChange], file: str) -> Iterator[tuple[str, str]]:
    """Yield the mark and the text of each line that explains the *changes* of similar resources.

    The lines are about properties, statements, rules and code. The changes are equal except for the
    values of properties.
    """
    change = changes[0]
    properties = [*zip(*map(shown_properties, changes), strict=True)]
    # The heading says that the resource is replaced, and a single property is the reason.
    has_one_reason = change.action == "replaced" and len(properties) == 1
    for items in properties:
        yield "", property_text(items, file, has_effect=not has_one_reason)
    settings = dict.fromkeys(
        key
        for property_ in change.properties
        if property_.is_detailed
        for key in property_.settings
    )
    note = f"  # {file}: {', '.join(map(clean, settings))}" if settings else ""
    is_whole = change.action in {"added", "removed"}
    for statement in change.statements:
        if not is_whole:
            yield _mark(statement.direction), f"{_statement_text(statement)}{note}"
    for rule in change.rules:
        both = " → ".join(filter(None, (clean(rule.before), clean(rule.after))))
        yield _mark(rule.direction), f"rule {rule.direction}: {both}{note}"
    if change.code:
        yield from _code_lines(change.code)


def shown_properties(change: ResourceChange) -> Iterator[PropertyChange]:
    """Yield the changed properties, without those that statements, rules or code explain.

    A change that only follows another one is left out if the resource is replaced anyway.
    """
    effects = {property_.replacement for property_ in change.properties if not property_.cause}
    is_replaced = bool(effects & {"required", "conditional"})
    for property_ in change.properties:
        if property_.cause and is_replaced:
            continue
        if not property_.is_detailed or property_.replacement != "none":
            yield property_


def _mark(direction: Direction) -> str:
    return MARKS[direction][0]


def _statement_text(statement: StatementChange) -> str:
    """Return the change of a statement: all of a new or removed one, else the parts that differ."""
    head = f"statement {clean(statement.name)} {statement.direction}"
    if statement.before is None or statement.after is None:
        return f"{head}: {_summary(statement.before or statement.after)}"
    parts = []
    for difference in differences(statement.before, statement.after):
        name, key = property_name(difference.path), name_of(difference.path)
        if difference.before is None or difference.after is None:
            sign = "+" if difference.before is None else "-"
            value = difference.after if difference.before is None else difference.before
            parts.append(f"{sign} {clean(name)} {value_text(key, value)}")
        else:
            values = change_text(key, difference.before, difference.after)
            parts.append(f"{clean(name)}: {values}")
    return f"{head}: {'; '.join(parts)}"


def _summary(statement: Mapping[str, Any]) -> str:
    """Return a statement in one line: allow s3:GetObject on X, for Service lambda.amazonaws.com."""
    effect = str(statement.get("Effect", "")).lower()
    parts = [effect]
    for key, word in (
        ("Action", ""),
        ("NotAction", "all but "),
        ("Resource", "on "),
        ("NotResource", "on all but "),
        ("Principal", "for "),
        ("Condition", "if "),
    ):
        if key in statement:
            items = statement[key] if isinstance(statement[key], list) else [statement[key]]
            parts.append(word + ", ".join(value_text(key, item) for item in items))
    return " ".join(map(clean, parts))


def _code_lines(code: CodeChange) -> Iterator[tuple[str, str]]:
    for file in code.files:
        lines = f"+{file.added_lines} -{file.removed_lines}"
        yield MARKS[file.direction][0], f"code {clean(file.path)}: {file.direction}, {lines} lines"
    for package in code.packages:
        versions = f"{clean(package.before) or '(none)'} → {clean(package.after) or '(none)'}"
        yield "~", f"package {clean(package.name)}: {versions}"
    if not (code.files or code.packages):
        yield "~", f"code of {clean(code.name)}: built again for another runtime or builder"
