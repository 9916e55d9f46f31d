"""The lexer of migrations, compared with PostgreSQL."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrate import lexer
from stacks.database import MIGRATOR
from tests.lambdas.migrate.migration_files import made

__all__ = ["made"]

NASTY = st.text("ab'\"\\$;-/*#()\n eE", max_size=8)
TAG = st.sampled_from(["", "a", "_x1", "ü", "E"])
SPACE = st.sampled_from([" ", "\n", "\t", "\r\n", " -- it's; $$ /*\n", "/* ; ' /* \" */ $$ */"])


def plain(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def escaped(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def dollar(text: str, tag: str) -> str:
    quote = f"${tag}$"
    return quote + text.replace("$", "") + quote


VALUE = st.one_of(
    NASTY.map(plain),
    NASTY.map(escaped),
    st.builds(lambda one, two: f"{escaped(one)} -- '\n  '{two}'", NASTY, st.just(r"\'")),
    st.builds(dollar, NASTY, TAG),
    NASTY.map(lambda text: f'1 AS "{text.replace(chr(34), chr(34) * 2) or "x"}"'),
    st.sampled_from("();").map(lambda mark: f'1 AS "{mark}"'),
    st.sampled_from(
        ["1#2", "-1", "a$1$b.x FROM (SELECT 1 x) a$1$b", "(SELECT 1)", "B'01'", "5-/**/-3"]
    ),
    st.sampled_from(["U&'\\0041'", "N'x'", "1 AS e", '2 AS "a;b"', "CASE WHEN true THEN 1 END"]),
)
STATEMENT = st.builds(lambda space, value: f"SELECT{space}{value}", SPACE, VALUE)
TEXT = st.lists(st.one_of(STATEMENT, SPACE), max_size=6).map(";".join)


@pytest.fixture(scope="module")
def connection(made):
    """A connection to count what PostgreSQL finds in a text."""
    made.bootstrap()
    with made.connect(MIGRATOR) as connected:
        yield connected


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXT)
def test_as_postgresql_does(connection, text: str) -> None:
    """It finds as many statements as PostgreSQL finds in the same text."""
    cursor = connection.execute(text)
    expected = 0 if cursor.description is None else 1
    while cursor.nextset():
        expected += 1

    assert expected == len(list(lexer.statements(list(lexer.tokens(text)))))


@settings(deadline=None)
@given(text=st.text("ab'\"\\$;-/*#()\n eEUu&1_", max_size=40))
def test_any_text(text: str) -> None:
    """It ends: with tokens whose lines rise, or with the line of what has no end."""
    lines: list[int] = []
    with contextlib.suppress(lexer.UnterminatedError):
        lines += (token.line for token in lexer.tokens(text))

    assert sorted(lines) == lines
    assert all(1 <= line <= text.count("\n") + 1 for line in lines)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\n'a\n", 2),
        ('\n\n"a', 3),
        ("$a$ $b$", 1),
        ("/* /* */", 1),
        ("E'\\'", 1),
        ("E'a'\n'\\'", 1),
    ],
)
def test_without_an_end(text: str, line: int) -> None:
    """The line is that on which it begins."""
    with pytest.raises(lexer.UnterminatedError, match=f"^line {line}: "):
        list(lexer.tokens(text))


@pytest.mark.parametrize("count", [1_000, 100_000])
def test_hostile_text_takes_no_time(count: int) -> None:
    """Nothing is read twice: neither a string that never continues nor nested comments."""
    for text in ("'a'" + "\n--\n" * count, "/*" * count + "*/" * count, "$a" * count, "E'\\'" * 9):
        try:
            list(lexer.tokens(text))
        except lexer.UnterminatedError:
            continue


def test_names() -> None:
    """Identifiers are as PostgreSQL stores them."""
    found = list(lexer.tokens('CREATE INDEX Foo ON "Bar ""x""" (id) -- comment\n'))

    assert {"create", "index", "foo", "on", 'Bar "x"', "id"} == lexer.names(found)


def test_a_long_name() -> None:
    """It is cut where PostgreSQL cuts it, between two characters."""
    assert {"x" + "ü" * 31} == lexer.names(list(lexer.tokens(f'"x{"ü" * 40}"')))
