"""Format untrusted text, numbers and columns for output.

Names and reasons come from AWS and from templates, and may contain anything. The results of `clean`
and `escaped` contain no control characters, no line breaks and no secrets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from deployer import secret_detection

_LAST_NUMBER = re.compile(r"(.*?)(\d+)(\D*)", re.DOTALL)
JSON_VERSION = 2  # Of all JSON that tasks print: see docs/json.md.


def clean(text: str) -> str:
    """Return *text* on one line, with each run of white space as one space."""
    return escaped(" ".join(secret_detection.mask(text).split()))


def escaped(text: str) -> str:
    r"""Return *text* on one line, with invisible characters escaped: a line break becomes \n."""
    return visible(secret_detection.mask(text))


def visible(text: str) -> str:
    """Return *text* like `escaped`, but with its secrets; only for commands that print a secret."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def json_text(value: object) -> str:
    """Return *value* as JSON on one line, without control characters.

    JSON escapes only ASCII control characters, but U+009B starts an escape sequence like ESC.
    """
    text = json.dumps(value, ensure_ascii=False)
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def shorten(text: str, limit: int) -> str:
    """Return *text* in at most *limit* characters; the middle of a longer text is omitted."""
    if len(text) <= limit:
        return text
    head = limit // 2
    return f"{text[:head]}…{text[len(text) - (limit - head - 1) :]}"


def fold_names(names: Iterable[str]) -> Iterator[str]:
    """Yield *names*; those that differ only in their last number are combined: Subnet{1,2}."""
    numbers: dict[tuple[str, str], list[str]] = {}
    for name in names:
        match = _LAST_NUMBER.fullmatch(name)
        head, number, tail = match.groups() if match else (name, "", "")
        numbers.setdefault((head, tail), []).append(number)
    for (head, tail), found in numbers.items():
        yield f"{head}{{{','.join(found)}}}{tail}" if len(found) > 1 else f"{head}{found[0]}{tail}"


def columns(rows: Collection[Sequence[str]]) -> Iterator[list[str]]:
    """Yield the cells of *rows*; all but those of the last column are padded to equal width."""
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = [f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)]
        yield [*padded[:-1], row[-1]]


def table(rows: Collection[Sequence[str]]) -> str:
    """Return *rows* as lines with aligned columns."""
    return "".join(f"{'  '.join(row).rstrip()}\n" for row in columns(rows))


def pluralize(number: int, noun: str) -> str:
    """Return *number* and *noun*, such as 1 stack or 2 stacks."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def join_counts(counts: Iterable[tuple[str, int]]) -> str:
    """Return the *counts* that are not zero, such as 2 created, 1 kept."""
    return ", ".join(f"{number} {word}" for word, number in counts if number)


def duration_text(seconds: float) -> str:
    """Return a duration, such as 12 s, 3 min 05 s or 1 h 02 min."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
