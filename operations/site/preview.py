"""Format the plan of a publication: a line for each changed file, and the counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from operations.site.plan import Plan

if TYPE_CHECKING:
    from deployer.report import Style


def text(plan: Plan, hidden: Sequence[str], *, style: Style) -> str:
    """Return *plan*, and the *hidden* files of the folder, as text in this *style*."""
    return "".join(f"{style.fit(line)}\n" for line in _lines(plan, hidden, style))


def _lines(plan: Plan, hidden: Sequence[str], style: Style) -> Iterator[str]:
    from deployer.report.text import escaped, join_counts, pluralize

    changed_immutable = set(plan.changed_immutable)
    for key in plan.create:
        yield f"{style('green', 'create')}  {escaped(key)}"
    for key in plan.update:
        yield f"{style('yellow', 'update')}  {escaped(key)}"
        if key in changed_immutable:
            yield f"        {style('red', 'was cached as immutable: browsers keep their old copy')}"
    for key in plan.delete:
        yield f"{style('red', 'delete')}  {escaped(key)}"
    for key in hidden:
        yield f"{style('dim', 'hidden')}  {escaped(key)}"
    counts = join_counts(
        [
            ("to create", len(plan.create)),
            ("to update", len(plan.update)),
            ("to delete", len(plan.delete)),
            ("unchanged", len(plan.unchanged)),
            ("unused, kept for open pages", len(plan.unused)),
        ]
    )
    if plan.outdated:
        counts += f"; {pluralize(len(plan.paths), 'path')} to invalidate"
    yield counts if plan.has_changes else f"nothing to do: {counts}"
