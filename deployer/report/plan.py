"""Format the steps of a plan: a line for each stack that changes, one for all others, and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from deployer.plan import Blocked, Create, Keep, Orphan, Recreate, Resume, Step, Update, Upload
from deployer.report.style import Emphasis, Style
from deployer.report.text import clean, columns, join_counts, pluralize

_WORDS: Mapping[type[Step], tuple[str, Emphasis]] = {
    Create: ("create", "green"),
    Update: ("update", "yellow"),
    Recreate: ("recreate", "red"),
    Resume: ("resume", "yellow"),
    Keep: ("keep", "dim"),
    Blocked: ("blocked", "red"),
}


def plan_lines(
    steps: Sequence[Step], orphans: Sequence[Orphan], uploads: Sequence[Upload], style: Style
) -> Iterator[str]:
    """Yield the lines of a plan. Unchanged stacks share one line."""
    yield from _lines([*_step_rows(steps), *map(_row, orphans), *map(_row, uploads)], style)
    yield counts_text(steps, orphans, uploads)


def row_lines(items: Iterable[Step | Orphan | Upload], style: Style) -> Iterator[str]:
    """Yield a line for each of *items*, each followed by its hints."""
    return _lines([_row(item) for item in items], style)


def _lines(rows: Sequence[_Row], style: Style) -> Iterator[str]:
    cells = columns([(clean(row.name), row.word, clean(row.reason)) for row in rows])
    for row, (name, word, reason) in zip(rows, cells, strict=True):
        yield f"{name}  {style(row.style, word)}  {reason}"
        for note in row.notes:
            yield f"{' ' * len(name)}  {style(row.style, clean(note))}"


def plan_data(
    steps: Sequence[Step], orphans: Sequence[Orphan], uploads: Sequence[Upload]
) -> dict[str, Any]:
    """Return a plan as plain values."""
    return {
        "steps": [_step(step) for step in steps],
        "orphans": [
            {
                "stack": orphan.deployed.name,
                "region": orphan.deployed.region,
                "reason": orphan.reason,
                "hint": orphan.hint,
            }
            for orphan in orphans
        ],
        "uploads": [{"stack": upload.desired.name, "reason": upload.reason} for upload in uploads],
        "counts": {word: number for word, number in _by_word(steps) if number},
    }


@dataclass(frozen=True)
class _Row:
    name: str
    word: str
    style: Emphasis
    reason: str
    notes: tuple[str, ...] = ()


def _step_rows(steps: Sequence[Step]) -> list[_Row]:
    """Return a row for each step; those of several unchanged stacks are one row."""
    kept = [step for step in steps if isinstance(step, Keep)]
    if len(kept) == len(steps) > 0:
        return []  # The counts are enough.
    if len(kept) < 2:
        return [_row(step) for step in steps]
    reasons = ", ".join(dict.fromkeys(step.reason for step in kept))
    rows = [_row(step) for step in steps if not isinstance(step, Keep)]
    return [*rows, _Row(pluralize(len(kept), "stack"), *_WORDS[Keep], reasons)]


def _row(item: Step | Orphan | Upload) -> _Row:
    match item:
        case Orphan(deployed=stack, reason=reason, hint=hint):
            note = (f"hint: {hint}",)
            return _Row(stack.name, "orphan", "yellow", f"{reason} ({stack.region})", note)
        case Upload(desired=desired, reason=reason):
            return _Row(desired.name, "upload", "cyan", reason)
        case Blocked(desired=desired, reason=reason, hint=hint):
            return _Row(desired.name, *_WORDS[Blocked], reason, (f"hint: {hint}",))
        case Update(desired=desired, reason=reason, data_losses=losses) if losses:
            notes = tuple(f"data: {loss}" for loss in losses)
            return _Row(desired.name, "update", "red", reason, notes)
        case _:
            return _Row(item.desired.name, *_WORDS[type(item)], item.reason)


def _step(step: Step) -> dict[str, Any]:
    word, _ = _WORDS[type(step)]
    return {
        "stack": step.desired.name,
        "short_name": step.desired.short_name,
        "region": step.desired.region,
        "step": word,
        "reason": step.reason,
        "hint": step.hint if isinstance(step, Blocked) else "",
        "data_losses": [asdict(loss) for loss in step.data_losses]
        if isinstance(step, Update)
        else [],
    }


def _by_word(steps: Sequence[Step]) -> list[tuple[str, int]]:
    numbers = Counter(type(step) for step in steps)
    return [(word, numbers[kind]) for kind, (word, _) in _WORDS.items()]


def counts_text(steps: Sequence[Step], orphans: Sequence[Orphan], uploads: Sequence[Upload]) -> str:
    """Return the numbers of stacks by step, of orphans and of uploads."""
    parts = [
        f"{pluralize(len(steps), 'stack')}: {join_counts(_by_word(steps)) or 'nothing to do'}",
        pluralize(len(orphans), "orphan") if orphans else "",
        pluralize(len(uploads), "upload") if uploads else "",
    ]
    return "; ".join(filter(None, parts))
