"""Rows are formatted as a table or as JSON lines."""

from __future__ import annotations

from commands.framework import table

ROWS = [{"user_handle": "ada", "confirmed": True, "since": None}]


def test_table() -> None:
    """Underscores in names become spaces; None is a dash, and a boolean is yes or no."""
    text = table.text(ROWS, ["user_handle", "confirmed", "since"], as_json=False)

    assert text == "user handle  confirmed  since\nada          yes        -\n"


def test_json() -> None:
    """A JSON line has all values of the row, not only the columns."""
    text = table.text(ROWS, ["user_handle"], as_json=True)

    assert text == '{"user_handle": "ada", "confirmed": true, "since": null}\n'
