"""Rows are formatted as a table or as a JSON document."""

from __future__ import annotations

import json

from commands.framework import table

ROWS = [{"user_handle": "ada", "confirmed": True, "since": None}]


def test_table() -> None:
    """Underscores in names become spaces; None is a dash, and a boolean is yes or no."""
    text = table.text("users", ROWS, ["user_handle", "confirmed", "since"], as_json=False)

    assert text == "user handle  confirmed  since\nada          yes        -\n"


def test_json() -> None:
    """The document has a version, and all values of the rows, not only the columns."""
    text = table.text("users", ROWS, ["user_handle"], as_json=True)

    assert json.loads(text) == {"version": 2, "users": ROWS}


def test_without_rows() -> None:
    """A table without rows says so; the JSON has an empty list."""
    assert table.text("users", [], ["user_handle"], as_json=False) == "no users\n"
    assert json.loads(table.text("users", [], [], as_json=True)) == {"version": 2, "users": []}
