"""Format the past operations of stacks and the releases of services, as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from deployer.history import PastOperation
from deployer.report.style import Emphasis, Style
from deployer.report.text import JSON_VERSION, clean, columns, duration_text

_HEADINGS = ("start (UTC)", "stack", "operation", "duration", "outcome", "")
_STYLES: dict[str, Emphasis] = {"succeeded": "green", "running": "yellow"}


@dataclass(frozen=True)
class PastRelease:
    """A release of the service of *stack*, and the *command* that releases the image again."""

    stack: str
    image: str
    released_at: datetime
    command: str


def history_text(
    operations: Sequence[PastOperation],
    releases: Sequence[PastRelease],
    style: Style | None = None,
) -> str:
    """Return a table of *operations*, then the images of each service; the first is the current one."""
    style = style or Style()
    lines = [*_operation_lines(operations, style)]
    for stack, group in groupby(releases, lambda release: release.stack):
        current, *earlier = group
        lines.append(f"images of {clean(stack)}:")
        lines.append(f"  {_time(current.released_at)}  {clean(current.image)}  (current)")
        lines += [f"  {_time(item.released_at)}  {clean(item.image)}" for item in earlier]
        if earlier:
            lines.append(f"  to roll back: {clean(earlier[0].command)}")
    return "".join(f"{style.fit(line)}\n" for line in lines)


def history_json(operations: Sequence[PastOperation], releases: Sequence[PastRelease]) -> str:
    """Return *operations* and *releases* as JSON: see docs/json.md."""
    document = {
        "version": JSON_VERSION,
        "operations": [
            {
                "stack": past.stack,
                "region": past.region,
                "operation": past.operation,
                "started_at": past.started_at.isoformat(),
                "ended_at": past.ended_at.isoformat() if past.ended_at else None,
                "duration_seconds": past.seconds,
                "status": past.status,
                "outcome": past.outcome,
                "cause": clean(past.cause),
            }
            for past in operations
        ],
        "releases": [
            {
                "stack": release.stack,
                "image": release.image,
                "released_at": release.released_at.isoformat(),
                "command": release.command,
            }
            for release in releases
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _operation_lines(operations: Sequence[PastOperation], style: Style) -> list[str]:
    if not operations:
        return ["no operation is recorded"]
    head, *rows = columns([_HEADINGS, *map(_row, operations)])
    lines = [style("dim", "  ".join(head).rstrip())]
    for past, (*before, outcome, cause) in zip(operations, rows, strict=True):
        word = style(_STYLES.get(past.outcome, "red"), outcome)
        lines.append("  ".join([*before, word, cause]).rstrip())
    return lines


def _row(past: PastOperation) -> tuple[str, ...]:
    duration = "-" if past.seconds is None else duration_text(past.seconds)
    stack = clean(past.stack)
    return _time(past.started_at), stack, past.operation, duration, past.outcome, clean(past.cause)


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
