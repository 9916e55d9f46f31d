"""Shows what a publication will do: a line for each file that changes, and the counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from operations.site.plan import Plan

if TYPE_CHECKING:
    from deployer.report import Style


def text(plan: Plan, left_out: Sequence[str], *, style: Style) -> str:
    """*plan* for people, and what of the folder is *left_out*, on a stream with this *style*."""
    return "".join(f"{style.fit(line)}\n" for line in _lines(plan, left_out, style))


def _lines(plan: Plan, left_out: Sequence[str], style: Style) -> Iterator[str]:
    from deployer.report.text import counted, escaped, listed

    promises = set(plan.broken_promises)
    for key in plan.create:
        yield f"{style('green', 'create')}  {escaped(key)}"
    for key in plan.update:
        yield f"{style('yellow', 'update')}  {escaped(key)}"
        if key in promises:
            yield f"        {style('red', 'was kept for ever: browsers that have it keep it')}"
    for key in plan.delete:
        yield f"{style('red', 'delete')}  {escaped(key)}"
    for key in left_out:
        yield f"{style('dim', 'hidden')}  {escaped(key)}"
    counts = listed(
        [
            ("to create", len(plan.create)),
            ("to update", len(plan.update)),
            ("to delete", len(plan.delete)),
            ("unchanged", len(plan.same)),
            ("unused, kept for open pages", len(plan.wait)),
        ]
    )
    if plan.forget:
        counts += f"; {counted(len(plan.paths), 'path')} to invalidate"
    yield counts if plan.changes else f"nothing to do: {counts}"
