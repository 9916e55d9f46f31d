"""Reads one TOML file: what it says and on which line, or why it says nothing.

tomllib names neither the line of a key nor, in words for people, what is wrong with a text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deployer.config.validation import Fault, Place

_IN_PLAIN_WORDS = (
    (r"Cannot overwrite a value|Duplicate inline table key .*", "this key stands twice"),
    (r"Cannot (declare|mutate|redefine)\b.*?\((.*?),?\).*", r"the table or key \2 stands twice"),
    (r"Invalid value", "this is no value; text needs quotes"),
    (r"Expected newline or end of document.*", "this does not belong to the value before it"),
    (r"Exceeds the limit .*", "this number is too long"),
    (r"maximum recursion depth exceeded.*", "this is nested too deep"),
)


@dataclass(frozen=True)
class Document:
    """A TOML file: its text, what it says, and the fault that kept it from being read."""

    path: Path
    text: str = ""
    table: Mapping[str, object] = field(default_factory=dict)
    broken: Fault | None = None


def read(path: Path) -> Document:
    """*path* as it is, with or without a byte order mark, with either kind of line end."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        fact = f"cannot be read: {error.strerror}"
        return Document(path, broken=Fault((), fact, hint="it has to be a file you may read"))
    except UnicodeDecodeError as error:
        fact = f"is not UTF-8: byte {error.start + 1}"
        return Document(path, broken=Fault((), fact, hint="save it as UTF-8"))
    try:
        return Document(path, text, tomllib.loads(text))
    except (ValueError, RecursionError) as error:
        return Document(path, text, broken=_syntax(str(error), text))


def lines(text: str) -> dict[Place, int]:
    """The line on which each key stands: after the longest beginning of *text* without it."""
    rows = text.split("\n")
    found: dict[Place, int] = {}
    start = 1
    for end in range(1, len(rows) + 1):
        try:
            beginning = tomllib.loads("\n".join(rows[:end]))
        except (ValueError, RecursionError):
            continue  # a statement goes on in the next row
        for place, _ in walk(beginning):
            found.setdefault(place, start)
        start = end + 1
    return found


def walk(value: object, place: Place = ()) -> Iterator[tuple[Place, object]]:
    """Every value below *value*, with its place."""
    if place:
        yield place, value
    match value:
        case dict():
            for key, each in value.items():
                yield from walk(each, (*place, key))
        case list():
            for number, each in enumerate(value):
                yield from walk(each, (*place, number))


def _syntax(error: str, text: str) -> Fault:
    fact, _, at = error.partition(" (at ")
    numbers = re.findall(r"[0-9]+", at)
    line, column = map(int, numbers) if numbers else (text.rstrip().count("\n") + 1, 0)
    for pattern, words in _IN_PLAIN_WORDS:
        fact = re.sub(rf"^(?:{pattern})$", words, fact)
    where = f"column {column}: " if column else ""
    return Fault((), f"{where}{fact}", line=line, hint="how TOML is written: https://toml.io")
