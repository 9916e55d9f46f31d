"""Find the exports in use that an update changes or removes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from deployer.model.intrinsics import EXPORTS, imports, value_names
from deployer.model.template_tree import TemplateTree
from deployer.preview.propagation import Propagation, export_name, scope_key
from deployer.preview.reviewed import ReviewedStack

# The names of the importing stacks, by region and export name.
Importers: TypeAlias = Mapping[tuple[str, str], tuple[str, ...]]


@dataclass(frozen=True)
class ExportChange:
    """The change of the export *name* of the output *output*; *importers* are the names of stacks.

    *change* is "changed" also for a removed export whose value would change, because such an export
    cannot be kept.
    """

    output: str
    name: str
    change: Literal["changed", "removed"]
    importers: tuple[str, ...] = ()


def importers(stacks: Iterable[tuple[str, str, TemplateTree, Collection[str]]]) -> Importers:
    """Return the importers of each export.

    *stacks* has the region, the name, the templates and the pinned imports of each stack.
    """
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for region, stack, templates, pinned in stacks:
        names = {name for _, tree in templates.walk() for name in imports(tree.body)}
        for name in sorted(names | {*pinned}):
            found[region, name] = (*found.get((region, name), ()), stack)
    return found


def export_changes(
    old: ReviewedStack, new: ReviewedStack, propagation: Propagation
) -> Iterator[ExportChange]:
    """Yield the exports that the update of a stack changes or removes; *importers* is left empty."""
    before, after = (side.templates.body.get("Outputs") or {} for side in (old, new))
    remaining = {export_name(output) for output in after.values()}
    for output, definition in before.items():
        name = export_name(definition)
        if not name:
            continue
        if name in remaining:
            if propagation.cause((new.region, "", ()), f"{EXPORTS}{name}"):
                yield ExportChange(output, name, "changed")
        elif any(changed_names(new, definition.get("Value"), propagation)):
            yield ExportChange(output, name, "changed")
        else:
            yield ExportChange(output, name, "removed")


def changed_names(new: ReviewedStack, value: object, propagation: Propagation) -> Iterator[str]:
    """Yield the names that *value* refers to and whose values the update of the stack *new* changes."""
    for name in value_names(value):
        scope = (new.region, "", ()) if name.startswith(EXPORTS) else scope_key(new)
        if propagation.cause(scope, name):
            yield name
