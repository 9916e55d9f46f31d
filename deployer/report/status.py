"""Format the status of the stacks of an environment, and the manual steps to do."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from deployer.aws.cloud import DeployedStack
from deployer.plan import Orphan
from deployer.report.style import Emphasis, Style
from deployer.report.text import JSON_VERSION, clean, columns

_MANUAL = "manual:"
_HEADINGS = ("stack", "region", "status", "protection", "")


@dataclass(frozen=True)
class ManualStep:
    """A pending step of docs/first-account.md that no deploy can do.

    *fact* requires it, *consequence* is what does not work until then, and *action* is the command
    or action that does it.
    """

    step: str
    fact: str
    consequence: str
    action: str


def status(
    stacks: Collection[DeployedStack],
    orphans: Iterable[Orphan] = (),
    manual_steps: Iterable[ManualStep] = (),
    *,
    style: Style | None = None,
) -> str:
    """Return the stacks, orphans and manual steps as text in this *style*."""
    style = style or Style()
    orphans_by_stack = _by_stack(orphans)
    head, *rows = columns([_HEADINGS, *(_row(stack, orphans_by_stack) for stack in stacks)])
    lines = [style("dim", "  ".join(head).rstrip())]
    for stack, (name, region, state, *rest) in zip(stacks, rows, strict=True):
        lines.append("  ".join([name, region, style(_style(stack), state), *rest]).rstrip())
    lines += [
        f"{style('yellow', 'orphan:')} {clean(orphan.deployed.name)}: {clean(orphan.hint)}"
        for orphan in orphans_by_stack.values()
    ]
    for step in manual_steps:
        fact = f"{clean(step.step)}: {clean(step.fact)}: {clean(step.consequence)}"
        lines += [
            f"{style('yellow', _MANUAL)} {fact}",
            f"{' ' * len(_MANUAL)} {clean(step.action)}",
        ]
    return "".join(f"{style.fit(line)}\n" for line in lines)


def status_json(
    stacks: Iterable[DeployedStack],
    orphans: Iterable[Orphan] = (),
    manual_steps: Iterable[ManualStep] = (),
) -> str:
    """Return the stacks, orphans and manual steps as JSON."""
    orphans_by_stack = _by_stack(orphans)
    rows = [_data(stack, orphans_by_stack) for stack in stacks]
    steps = [{name: clean(text) for name, text in asdict(step).items()} for step in manual_steps]
    document = {"version": JSON_VERSION, "stacks": rows, "manual_steps": steps}
    return json.dumps(document, indent=2) + "\n"


def _by_stack(orphans: Iterable[Orphan]) -> dict[tuple[str, str], Orphan]:
    """Return *orphans* by the region and name of their stack."""
    return {(orphan.deployed.region, orphan.deployed.name): orphan for orphan in orphans}


def _row(stack: DeployedStack, orphans_by_stack: dict[tuple[str, str], Orphan]) -> tuple[str, ...]:
    orphan = orphans_by_stack.get((stack.region, stack.name))
    remarks = [f"orphan: {orphan.reason}" if orphan else "", stack.reason]
    return (
        clean(stack.name),
        clean(stack.region),
        clean(stack.status),
        "protected" if stack.is_protected else "-",
        clean("; ".join(filter(None, remarks))),
    )


def _data(stack: DeployedStack, orphans_by_stack: dict[tuple[str, str], Orphan]) -> dict[str, Any]:
    orphan = orphans_by_stack.get((stack.region, stack.name))
    return {
        "stack": stack.name,
        "id": stack.id,
        "region": stack.region,
        "status": stack.status,
        "reason": stack.reason,
        "is_protected": stack.is_protected,
        "is_orphan": orphan is not None,
        "hint": orphan.hint if orphan else "",
    }


def _style(stack: DeployedStack) -> Emphasis:
    if stack.is_busy:
        return "yellow"
    return "green" if stack.is_complete else "red"
