"""The TOML reader: lines, syntax errors and unreadable files."""

from __future__ import annotations

import pytest

from deployer.config import document

TEXT = """\
# Comment.
top = 1

[env]
name = "dev"   # not a key = 2
text = \"\"\"
name = "not a key"
\"\"\"
"quoted key" = 1
zones = [
  "a",

  { deep = 1 },
]
size = { cpu = 256 }
dotted.key = 1
[[list]]
a = 1
[[list]]
a = 2
"""


def test_each_key_has_its_line():
    """A key is found on the line where its statement begins."""
    expected = {
        ("top",): 2,
        ("env",): 4,
        ("env", "name"): 5,
        ("env", "text"): 6,
        ("env", "quoted key"): 9,
        ("env", "zones"): 10,
        ("env", "zones", 0): 10,
        ("env", "zones", 1): 10,
        ("env", "zones", 1, "deep"): 10,
        ("env", "size"): 15,
        ("env", "size", "cpu"): 15,
        ("env", "dotted"): 16,
        ("env", "dotted", "key"): 16,
        ("list",): 17,
        ("list", 0): 17,
        ("list", 0, "a"): 18,
        ("list", 1): 19,
        ("list", 1, "a"): 20,
    }

    lines = document.lines(TEXT)

    assert expected == lines


def test_deeply_nested_tables_have_lines():
    """Dotted keys may nest tables more deeply than Python can recurse."""
    path = ("a",) * 2000

    lines = document.lines("b = 1\n" + ".".join(path) + " = 1\n")

    assert lines[path] == 2


@pytest.mark.parametrize(
    "data",
    [b"a = 1\nb = 2\n", b"\xef\xbb\xbfa = 1\nb = 2\n", b"a = 1\r\nb = 2\r\n", b"a = 1\nb = 2"],
    ids=["plain", "byte order mark", "CRLF", "no last line end"],
)
def test_what_editors_write_is_read(tmp_path, data):
    """A byte order mark and Windows line ends change nothing."""
    path = tmp_path / "dev.toml"
    path.write_bytes(data)

    read = document.read(path)

    assert (read.table, read.syntax_error) == ({"a": 1, "b": 2}, None)


@pytest.mark.parametrize(
    ("text", "line", "fact"),
    [
        ("a = 1\nb = dev\n", 2, "column 5: this is not a value; text needs quotes"),
        ("a = 1\na = 2\n", 2, "column 6: this key is defined twice"),
        ("a = 1\na = 2", 2, "this key is defined twice"),
        ("a = {b = 1, b = 2}\n", 1, "column 18: this key is defined twice"),
        ("[a]\n[b]\n[a]\n", 3, "column 3: the table or key 'a' is defined twice"),
        ("[a]\nb = 1\n[a.b]\n", 3, "column 5: this key is defined twice"),
        (
            "a = {b = 1, }\n",
            1,
            "column 13: no key begins here; a table in braces is on one line, without a comma at its end",
        ),
        (
            "a = {\n  b = 1\n}\n",
            1,
            "column 6: no key begins here; a table in braces is on one line, without a comma at its end",
        ),
        ("a = {b = 1\n}\n", 1, "column 11: this table has no closing brace on its line"),
        ("[a\n", 1, "column 3: Expected ']' at the end of a table declaration"),
        ("a\n", 1, "column 2: Expected '=' after a key in a key/value pair"),
        ("a = 1 2\n", 1, "column 7: this does not belong to the value before it"),
        ("a = 012\n", 1, "column 6: a number cannot start with 0; text needs quotes"),
        ("a = [1, -012]\n", 1, "column 11: a number cannot start with 0; text needs quotes"),
        ("a = 10 2\n", 1, "column 8: this does not belong to the value before it"),
        ('a = "b\nc = 1\n', 1, "column 7: this text has no closing quote"),
        ("a = 1\n<<<<<<< HEAD\n", 2, "column 1: this is neither a key nor a table"),
        ("a = 1\n\ufeff[b]\n", 2, "column 1: the invisible character U+FEFF is not allowed here"),
        ("a = 1\n\u00a0b = 2\n", 2, "column 1: the invisible character U+00A0 is not allowed here"),
        ("a = [1,\n", 1, "this is not a value; text needs quotes"),
        ('a = """b\nc = 1\n', 1, "column 5: this text has no closing quotes"),
        ("a = 1\nb = '''c\nd = 1\n", 2, "column 5: this text has no closing quotes"),
        ('a = 1\nb = "c', 2, "this text has no closing quotes"),
        ("a = 1\nb = " + "9" * 5000 + "\nc = 1\n", 2, "this number is too long"),
        ("a = 1\nb = " + "[" * 200_000 + "\nc = 1\n", 2, "this is nested too deeply"),
        ("a = True\n", 1, "column 5: true and false are written in lower case"),
        ("a = “b”\n", 1, 'column 5: text needs straight quotes ("), not “'),
        (
            'a = ["b" "c"]\n',
            1,
            "column 10: this list has no closing bracket, or no comma between two of its values",
        ),
        ("a = \0", 1, "column 5: the invisible character U+0000 is not allowed here"),
    ],
)
def test_a_syntax_error_has_a_line_and_a_reason(tmp_path, text, line, fact):
    """A syntax error is reported with line, column and reason."""
    path = tmp_path / "dev.toml"
    path.write_text(text)

    error = document.read(path).syntax_error

    assert (line, fact) == (error.line, error.fact)


def _missing(path):
    pass


def _folder(path):
    path.mkdir()


def _loop(path):
    path.symlink_to(path)


def _latin(path):
    path.write_bytes('a = "ü"'.encode("latin-1"))


@pytest.mark.parametrize(
    ("make", "fact"),
    [
        (_missing, "cannot be read: No such file or directory"),
        (_folder, "cannot be read: Is a directory"),
        (_loop, "cannot be read: Too many levels of symbolic links"),
        (_latin, "is not UTF-8: byte 6"),
    ],
)
def test_a_file_that_is_not_text(tmp_path, make, fact):
    """A file that cannot be read as text is one clear error."""
    path = tmp_path / "dev.toml"
    make(path)

    error = document.read(path).syntax_error

    assert fact == error.fact
