"""Shows how it stands with the stacks of an environment, and what a person still has to do."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from deployer.aws.cloud import DeployedStack
from deployer.plan import Orphan
from deployer.report.style import Emphasis, Style
from deployer.report.text import clean, columns

VERSION = 1
_BY_HAND = "by hand:"
_HEAD = ("stack", "region", "status", "protection", "")


@dataclass(frozen=True)
class ByHand:
    """What no deploy can do: the *step* of docs/first-account.md, what is open, why it matters, how."""

    step: str
    what: str
    why: str
    how: str


def status(
    found: Collection[DeployedStack],
    orphans: Iterable[Orphan] = (),
    by_hand: Iterable[ByHand] = (),
    *,
    style: Style | None = None,
) -> str:
    """*found* as a table for people, on a stream with this *style*, and what is to be done *by_hand*."""
    style = style or Style()
    noted = _noted(orphans)
    head, *rows = columns([_HEAD, *(_row(stack, noted) for stack in found)])
    lines = [style("dim", "  ".join(head).rstrip())]
    for stack, (name, region, state, *rest) in zip(found, rows, strict=True):
        lines.append("  ".join([name, region, style(_style(stack), state), *rest]).rstrip())
    lines += [
        f"{style('yellow', 'orphan:')} {clean(orphan.found.name)}: {clean(orphan.hint)}"
        for orphan in noted.values()
    ]
    for each in by_hand:
        what = f"{clean(each.step)}: {clean(each.what)}: {clean(each.why)}"
        lines += [f"{style('yellow', _BY_HAND)} {what}", f"{' ' * len(_BY_HAND)} {clean(each.how)}"]
    return "".join(f"{style.fit(line)}\n" for line in lines)


def status_json(
    found: Iterable[DeployedStack], orphans: Iterable[Orphan] = (), by_hand: Iterable[ByHand] = ()
) -> str:
    """*found* and what is to be done *by_hand*, for machines."""
    noted = _noted(orphans)
    stacks = [_data(stack, noted) for stack in found]
    steps = [{name: clean(text) for name, text in asdict(each).items()} for each in by_hand]
    shown = {"version": VERSION, "stacks": stacks, "by_hand": steps}
    return json.dumps(shown, indent=2) + "\n"


def _noted(orphans: Iterable[Orphan]) -> dict[tuple[str, str], Orphan]:
    return {(each.found.region, each.found.name): each for each in orphans}


def _row(stack: DeployedStack, noted: dict[tuple[str, str], Orphan]) -> tuple[str, ...]:
    orphan = noted.get((stack.region, stack.name))
    remarks = [f"orphan: {orphan.reason}" if orphan else "", stack.reason]
    return (
        clean(stack.name),
        clean(stack.region),
        clean(stack.status),
        "protected" if stack.is_protected else "-",
        clean("; ".join(filter(None, remarks))),
    )


def _data(stack: DeployedStack, noted: dict[tuple[str, str], Orphan]) -> dict[str, Any]:
    orphan = noted.get((stack.region, stack.name))
    return {
        "stack": stack.name,
        "id": stack.id,
        "region": stack.region,
        "status": stack.status,
        "reason": stack.reason,
        "protected": stack.is_protected,
        "orphan": orphan is not None,
        "hint": orphan.hint if orphan else "",
    }


def _style(stack: DeployedStack) -> Emphasis:
    if stack.is_busy:
        return "yellow"
    return "green" if stack.is_complete else "red"
