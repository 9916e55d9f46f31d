"""Compare the outputs of stacks, and list the stacks that import them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from deployer.model.desired import DIGEST
from deployer.preview.propagation import Propagation, export_name, scope_key
from deployer.preview.reviewed import ReviewedStack
from deployer.preview.values import OutputChange

Importers: TypeAlias = Mapping[tuple[str, str], tuple[str, ...]]


def importers(stacks: Iterable[ReviewedStack]) -> Importers:
    """Return the short names of the stacks that import each export, by region and export name.

    A stack with a parameter whose value is an output in another region is listed under that region
    and stack.output.
    """
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for stack in stacks:
        keys = [(stack.region, name) for name in sorted(stack.imports)]
        for source in stack.parameters.values():
            region, _, output = source.partition(":")
            keys.append((region, output))
        for key in keys:
            found[key] = (*found.get(key, ()), stack.short_name)
    return found


@dataclass(frozen=True)
class _Side:
    """A stack before or after the change, and the importers of the exports of all stacks."""

    stack: ReviewedStack | None
    importers: Importers = field(default_factory=dict)

    @property
    def outputs(self) -> Mapping[str, Any]:
        """The outputs of the stack, without the digest of its template."""
        outputs = (self.stack.templates.body.get("Outputs") or {}) if self.stack else {}
        return {name: output for name, output in outputs.items() if name != DIGEST}

    def importers_of(self, change: OutputChange) -> tuple[str, ...]:
        """Return the stacks that import the export of *change*."""
        if self.stack is None or not change.export:
            return ()
        return self.importers.get((self.stack.region, change.export), ())

    def readers_of(self, change: OutputChange) -> tuple[str, ...]:
        """Return the stacks of other regions that have the output as a parameter."""
        if self.stack is None:
            return ()
        return self.importers.get((self.stack.region, f"{self.stack.name}.{change.name}"), ())


def output_changes(
    old: ReviewedStack | None,
    new: ReviewedStack | None,
    propagation: Propagation,
    before: Importers,
    after: Importers,
) -> tuple[OutputChange, ...]:
    """Return the changed outputs of a stack; *before* and *after* are the results of `importers`."""
    sides = _Side(old, before), _Side(new or old, after)
    return tuple(
        _with_importers(change, *sides)
        for change in _changes(_Side(old).outputs, _Side(new).outputs, new, propagation)
    )


def _changes(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    stack: ReviewedStack | None,
    propagation: Propagation,
) -> Iterator[OutputChange]:
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name), new.get(name)
        if before is None:
            export = export_name(after or {})
            yield OutputChange(name, "added", None, (after or {}).get("Value"), export=export)
        elif after is None:
            value = before.get("Value")
            yield OutputChange(name, "removed", value, None, export=export_name(before))
        elif stack and (cause := propagation.cause(scope_key(stack), f"Outputs.{name}")):
            values = before.get("Value"), after.get("Value")
            reason = "" if values[0] != values[1] else cause.name
            change = OutputChange(name, "changed", *values, reason, export=export_name(before))
            yield replace(change, is_refused=cause.is_certain)
        elif export_name(before) != export_name(after):
            was, becomes = export_name(before), export_name(after)
            yield OutputChange(name, "changed", was, becomes, export=was, is_refused=True)


def _with_importers(change: OutputChange, old: _Side, new: _Side) -> OutputChange:
    """Return *change* with the stacks that import the output."""
    if change.direction == "added":
        return replace(change, importers=new.importers_of(change) + new.readers_of(change))
    names = old.importers_of(change)
    is_refused = bool(names) and (change.is_refused or change.direction == "removed")
    is_dropped = bool(names) and not new.importers_of(change)
    return replace(
        change,
        importers=names + old.readers_of(change),
        is_refused=is_refused,
        is_dropped_by_importers=is_dropped,
    )
