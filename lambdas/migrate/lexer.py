"""Split SQL text into statements by PostgreSQL's lexical rules, to inspect it before it is sent.

The text itself is never split: PostgreSQL receives every file as a whole. The rules are those of
PostgreSQL's scan.l and of psql's psqlscan.l, with standard_conforming_strings on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase
from typing import Literal, NamedTuple

Kind = Literal["word", "quoted", "string", "comment", "other"]

_LETTER = "A-Za-z_\x80-\U0010ffff"
_TOKEN = re.compile(
    rf"""
      (?P<space>[ \t\n\r\f\v]++)
    | (?P<comment>--[^\n\r]*+)
    | (?P<block>/\*)
    | (?P<escape>[eE]')
    | (?P<string>(?:[bBxXnN]|[uU]&)?')
    | (?P<quoted>(?:[uU]&)?"(?P<name>(?:[^"]++|"")*+)(?P<end>"?))
    | (?P<dollar>\$(?:[{_LETTER}][{_LETTER}0-9]*+)?\$)
    | (?P<word>[{_LETTER}][{_LETTER}0-9$]*+)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_STRING_BODY = re.compile(r"(?:[^']++|'')*+'")
_ESCAPE_STRING_BODY = re.compile(r"(?:[^'\\]++|''|\\.)*+'", re.DOTALL)
# String constants that only a line break separates are one string, with the prefix of the first.
_CONTINUATION = re.compile(
    r"(?:[ \t\f\v]|--[^\n\r]*+)*+[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*+[\n\r])*+'"
)
_BLOCK_COMMENT_MARK = re.compile(r"/\*|\*/")
_UPPER = str.maketrans(ascii_lowercase, ascii_uppercase)
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


class UnterminatedError(Exception):
    """A string, quoted name or comment begins at *line* and has no end."""

    def __init__(self, item: str, line: int) -> None:
        super().__init__(f"line {line}: {item} has no end")


class Token(NamedTuple):
    """A token of SQL and the line on which it begins.

    The text of a word is in capitals; letters outside of ASCII stay as they are, as in PostgreSQL.
    """

    kind: Kind
    text: str
    line: int

    @property
    def symbol(self) -> str:
        """The text of a punctuation token such as a semicolon; empty for any other kind."""
        return self.text if self.kind == "other" else ""


@dataclass(frozen=True)
class Statement:
    """The tokens of one statement that are not in parentheses."""

    tokens: tuple[Token, ...]

    @property
    def line(self) -> int:
        return self.tokens[0].line

    @property
    def words(self) -> tuple[str, ...]:
        """The texts of the tokens; quoted names and strings are empty: they are not keywords."""
        return tuple(token.text if token.kind == "word" else "" for token in self.tokens)


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of *text*, comments included; raise UnterminatedError."""
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        assert match, "every character is a token"  # noqa: S101  # _TOKEN ends with any character
        end = _end(match, text, line)
        token = _token(match, line)
        if token:
            yield token
        line += text.count("\n", position, end)
        position = end


def statements(tokens_: list[Token]) -> Iterator[Statement]:
    """Group the tokens of a text by the semicolons that end a statement."""
    open_statement: list[Token] = []
    parentheses = bodies = 0
    for token in tokens_:
        if token.kind == "comment":
            continue
        if token.symbol == ";" and not parentheses and not bodies:
            if open_statement:
                yield Statement(tuple(open_statement))
            open_statement = []
            continue
        if token.symbol == ")":
            parentheses = max(0, parentheses - 1)
        if not parentheses:
            bodies = _count_bodies(open_statement, token, bodies)
            open_statement.append(token)
        if token.symbol == "(":
            parentheses += 1
    if open_statement:
        yield Statement(tuple(open_statement))


def names(tokens_: list[Token]) -> frozenset[str]:
    """Return every identifier among the tokens, as PostgreSQL stores it: at most 63 bytes."""
    full = (
        token.text if token.kind == "quoted" else token.text.translate(_LOWER)
        for token in tokens_
        if token.kind in {"word", "quoted"}
    )
    return frozenset(name.encode()[:63].decode(errors="ignore") for name in full)


def _count_bodies(before: list[Token], token: Token, bodies: int) -> int:
    """Count the open BEGIN ATOMIC and CASE: semicolons within them do not end the statement.

    After AS or a period, CASE and END are names.
    """
    if token.kind != "word" or not before or before[0][:2] != ("word", "CREATE"):
        return bodies
    if before[-1].symbol == "." or before[-1][:2] == ("word", "AS"):
        return bodies
    if token.text == "ATOMIC" and before[-1][:2] == ("word", "BEGIN"):
        return bodies + 1
    if bodies and token.text == "CASE":
        return bodies + 1
    if bodies and token.text == "END":
        return bodies - 1
    return bodies


def _token(match: re.Match[str], line: int) -> Token | None:
    match match.lastgroup:
        case "comment":
            return Token("comment", match["comment"][2:], line)
        case "word":
            return Token("word", match["word"].translate(_UPPER), line)
        case "quoted":
            return Token("quoted", match["name"].replace('""', '"'), line)
        case "string" | "escape" | "dollar":
            return Token("string", "", line)
        case "other":
            return Token("other", match["other"], line)
    return None


def _end(match: re.Match[str], text: str, line: int) -> int:
    """Return the position after the token that begins with *match*."""
    match match.lastgroup:
        case "string":
            return _string_end(_STRING_BODY, text, match.end(), line)
        case "escape":
            return _string_end(_ESCAPE_STRING_BODY, text, match.end(), line)
        case "block":
            return _block_end(text, match.end(), line)
        case "dollar":
            end = text.find(match["dollar"], match.end())
            if end < 0:
                raise UnterminatedError(f"the string that begins with {match['dollar']}", line)
            return end + len(match["dollar"])
    if match["quoted"] and not match["end"]:
        raise UnterminatedError("the quoted name", line)
    return match.end()


def _string_end(body: re.Pattern[str], text: str, position: int, line: int) -> int:
    while True:
        match = body.match(text, position)
        if match is None:
            raise UnterminatedError("the string", line)
        continuation = _CONTINUATION.match(text, match.end())
        if continuation is None:
            return match.end()
        position = continuation.end()


def _block_end(text: str, position: int, line: int) -> int:
    depth = 1
    for mark in _BLOCK_COMMENT_MARK.finditer(text, position):
        depth += 1 if mark[0] == "/*" else -1
        if not depth:
            return mark.end()
    raise UnterminatedError("the comment that begins with /*", line)
