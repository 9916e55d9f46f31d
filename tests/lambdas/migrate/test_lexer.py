"""The lexer of migrations, compared with PostgreSQL."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrate import lexer
from stacks.database import MIGRATOR

SPECIAL_CHARACTERS = st.text("ab'\"\\$;-/*#()\n eE", max_size=8)
TAG = st.sampled_from(["", "a", "_x1", "ü", "E"])
SPACE = st.sampled_from([" ", "\n", "\t", "\r\n", " -- it's; $$ /*\n", "/* ; ' /* \" */ $$ */"])


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def escaped(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def dollar_quoted(text: str, tag: str) -> str:
    quote = f"${tag}$"
    return quote + text.replace("$", "") + quote


VALUE = st.one_of(
    SPECIAL_CHARACTERS.map(quoted),
    SPECIAL_CHARACTERS.map(escaped),
    st.builds(
        lambda first, second: f"{escaped(first)} -- '\n  '{second}'",
        SPECIAL_CHARACTERS,
        st.just(r"\'"),
    ),
    st.builds(dollar_quoted, SPECIAL_CHARACTERS, TAG),
    SPECIAL_CHARACTERS.map(lambda text: f'1 AS "{text.replace(chr(34), chr(34) * 2) or "x"}"'),
    st.sampled_from("();").map(lambda mark: f'1 AS "{mark}"'),
    st.sampled_from(
        ["1#2", "-1", "a$1$b.x FROM (SELECT 1 x) a$1$b", "(SELECT 1)", "B'01'", "5-/**/-3"]
    ),
    st.sampled_from(["U&'\\0041'", "N'x'", "1 AS e", '2 AS "a;b"', "CASE WHEN true THEN 1 END"]),
)
STATEMENT = st.builds(lambda space, value: f"SELECT{space}{value}", SPACE, VALUE)
TEXT = st.lists(st.one_of(STATEMENT, SPACE), max_size=6).map(";".join)


@pytest.fixture(scope="module")
def connection(instance):
    """A connection on which PostgreSQL counts the statements of a text."""
    instance.bootstrap()
    with instance.connect(MIGRATOR) as connected:
        yield connected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=TEXT)
def test_statements_are_counted_like_postgresql(connection, text: str) -> None:
    """The lexer finds as many statements as PostgreSQL in the same text."""
    cursor = connection.execute(text)
    expected = 0 if cursor.description is None else 1
    while cursor.nextset():
        expected += 1

    assert expected == len(list(lexer.statements(list(lexer.tokens(text)))))


@given(text=st.text("ab'\"\\$;-/*#()\n eEUu&1_", max_size=40))
def test_any_text(text: str) -> None:
    """For any text the lexer ends, and the lines of the tokens never decrease."""
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
def test_unterminated_tokens(text: str, line: int) -> None:
    """The error has the line on which the unterminated token begins."""
    with pytest.raises(lexer.UnterminatedError, match=f"^line {line}: "):
        list(lexer.tokens(text))


@pytest.mark.parametrize("count", [1_000, 100_000])
def test_hostile_text_takes_linear_time(count: int) -> None:
    """No part of a text is read twice, such as a string without a continuation or nested comments."""
    for text in ("'a'" + "\n--\n" * count, "/*" * count + "*/" * count, "$a" * count, "E'\\'" * 9):
        try:
            list(lexer.tokens(text))
        except lexer.UnterminatedError:
            continue


def test_names_of_identifiers() -> None:
    """Identifiers are returned as PostgreSQL stores them."""
    found = list(lexer.tokens('CREATE INDEX Foo ON "Bar ""x""" (id) -- comment\n'))

    assert lexer.names(found) == {"create", "index", "foo", "on", 'Bar "x"', "id"}


def test_letters_outside_of_ascii_are_not_folded() -> None:
    """Only ASCII letters of an unquoted identifier become lower case, as in PostgreSQL."""
    assert lexer.names(list(lexer.tokens("ÄX STRAßE \u212aELVIN"))) == {
        "Äx",
        "straße",
        "\u212aelvin",
    }


def test_long_identifiers_are_truncated() -> None:
    """An identifier is truncated like in PostgreSQL, between two characters."""
    assert {"x" + "ü" * 31} == lexer.names(list(lexer.tokens(f'"x{"ü" * 40}"')))
