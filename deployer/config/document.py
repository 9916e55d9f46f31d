"""Read a TOML file, find the line of each key, and explain syntax errors.

tomllib does not return the lines of keys, and its messages are terse.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deployer.config.validation import KeyPath, SettingError

_BASIC, _LITERAL = '"""', "'''"  # The quotes of a text of several lines.
_EXPLANATIONS = (
    (r"Cannot overwrite a value|Duplicate inline table key .*", "this key is defined twice"),
    (
        r"Cannot (declare|mutate|redefine)\b.*?\((.*?),?\).*",
        r"the table or key \2 is defined twice",
    ),
    (r"Invalid value", "this is not a value; text needs quotes"),
    (r"Invalid statement", "this is neither a key nor a table"),
    (r"Illegal character '\\n'", "this text has no closing quote"),
    (r"Expected newline or end of document.*", "this does not belong to the value before it"),
    (
        r"Invalid initial character for a key part",
        "no key begins here; a table in braces is on one line, without a comma at its end",
    ),
    (
        r"Unclosed array",
        "this list has no closing bracket, or no comma between two of its values",
    ),
    (r"Unclosed inline table", "this table has no closing brace on its line"),
    (rf"Unterminated string|Expected \"{_LITERAL}\"", "this text has no closing quotes"),
    (r"Exceeds the limit .*", "this number is too long"),
    (r"maximum recursion depth exceeded.*", "this is nested too deeply"),
)


_TYPOGRAPHIC_QUOTES = {*"\u201c\u201d\u201e\u201f\u00ab\u00bb\u2018\u2019\u201a\u201b"}
_CAPITALIZED = re.compile(r"True\b|False\b|TRUE\b|FALSE\b")
_LEADING_ZERO = re.compile(r"(?:^|[\s=,\[])[+-]?0(?=[0-9])")


@dataclass(frozen=True)
class Document:
    """A TOML file: its text and its content, or the error that prevented reading it."""

    path: Path
    text: str = ""
    table: Mapping[str, object] = field(default_factory=dict)
    syntax_error: SettingError | None = None


def read(path: Path) -> Document:
    """Read *path*, with or without a byte order mark and with either kind of line ending."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        fact = f"cannot be read: {error.strerror}"
        hint = "make it a file that you can read"
        return Document(path, syntax_error=SettingError((), fact, hint=hint))
    except UnicodeDecodeError as error:
        fact = f"is not UTF-8: byte {error.start + 1}"
        return Document(path, syntax_error=SettingError((), fact, hint="save it as UTF-8"))
    try:
        return Document(path, text, tomllib.loads(text))
    except (ValueError, RecursionError) as error:
        return Document(path, text, syntax_error=_explain(str(error), text))


def lines(text: str) -> dict[KeyPath, int]:
    """Return the line of each key: the first line of the statement that defines it."""
    rows = text.split("\n")
    lines_by_key: dict[KeyPath, int] = {}
    start = 1
    for end in range(1, len(rows) + 1):
        try:
            beginning = tomllib.loads("\n".join(rows[:end]))
        except (ValueError, RecursionError):
            continue  # The statement continues on the next line.
        for path, _ in walk(beginning):
            lines_by_key.setdefault(path, start)
        start = end + 1
    return lines_by_key


def walk(table: Mapping[str, object]) -> Iterator[tuple[KeyPath, object]]:
    """Yield every value in *table*, with its path, in the order of the file.

    Dotted keys can nest tables more deeply than Python can recurse.
    """
    unvisited: list[tuple[KeyPath, object]] = [((), table)]
    while unvisited:
        path, value = unvisited.pop()
        if path:
            yield path, value
        match value:
            case dict():
                children = [((*path, key), item) for key, item in value.items()]
            case list():
                children = [((*path, index), item) for index, item in enumerate(value)]
            case _:
                continue
        unvisited += reversed(children)


def _explain(error: str, text: str) -> SettingError:
    """Return the *error* of tomllib in plain words, with its line."""
    fact, _, position = error.partition(" (at ")
    rows = text.rstrip().split("\n")
    line, column = _position(position, rows)
    quotes = _BASIC if fact == "Unterminated string" else _LITERAL if _LITERAL in fact else ""
    if quotes and quotes in text:
        line, column = _opening_of_text(text, quotes)
    row = rows[line - 1] if line <= len(rows) else ""
    for pattern, explanation in _EXPLANATIONS:
        fact = re.sub(rf"^(?:{pattern})$", explanation, fact)
    fact = (_cause(row, column) if column else "") or fact
    place = f"column {column}: " if column else ""
    return SettingError((), f"{place}{fact}", line=line, hint="see https://toml.io for the syntax")


def _opening_of_text(text: str, quotes: str) -> tuple[int, int]:
    """Return line and column of the *quotes* of a text that does not end: the last ones in *text*."""
    start = text.rfind(quotes)
    return text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)


def _cause(row: str, column: int) -> str:
    """Return the cause of an error at *column* of *row*, if it is a frequent mistake; otherwise ""."""
    character = row[column - 1 : column]
    if character.isdigit() and any(
        zero.end() == column - 1 for zero in _LEADING_ZERO.finditer(row)
    ):
        return "a number cannot start with 0; text needs quotes"
    if _CAPITALIZED.match(row, column - 1):
        return "true and false are written in lower case"
    if character in _TYPOGRAPHIC_QUOTES:
        return f'text needs straight quotes ("), not {character}'
    if character and not character.isprintable():
        return f"the invisible character U+{ord(character):04X} is not allowed here"
    return ""


def _position(position: str, rows: Sequence[str]) -> tuple[int, int]:
    """Return line and column of an error; column 0 if it is unknown.

    Errors about long numbers and deep nesting have no position. They are reported for the longest
    row, which is probably their place.
    """
    if numbers := re.findall(r"[0-9]+", position):
        line, column = map(int, numbers)
        return line, column
    return (len(rows) if position else rows.index(max(rows, key=len)) + 1), 0
