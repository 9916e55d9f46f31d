"""Text from AWS is shown without control characters."""

from __future__ import annotations

import json

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands.framework import table, terminal
from commands.framework.task import task
from deployer.errors import CloudError
from operations import db

HOSTILE = "\x1b]0;owned\x07 \x9b2J \r \x7f \u202e é 日本"
SHOWN = r"\x1b]0;owned\x07 \x9b2J \r \x7f \u202e é 日本"


def test_lines_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Each on its line, as it is but for control characters."""
    terminal.show(f"one {HOSTILE}\ntwo")

    assert f"one {SHOWN}\ntwo\n" == capsys.readouterr().out


def test_an_error_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """It may quote what a function or AWS has said."""

    @task()
    def fails(_: Context) -> None:
        raise CloudError(HOSTILE, hint=HOSTILE)

    with pytest.raises(Exit):
        fails(Context())

    assert f"error: {SHOWN}\nhint: {SHOWN}\n" == capsys.readouterr().err


def test_names_of_migrations_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """They are what a function answers."""
    db._show({"applied": [HOSTILE]}, nothing="")

    assert f"applied {SHOWN}\n" == capsys.readouterr().out


def test_rows_as_json_are_shown() -> None:
    """JSON escapes ESC, but not the control characters beyond ASCII; a reader gets them back."""
    text = table.text([{"a": HOSTILE, "b": "\U000e0001"}], ["a"], as_json=True)

    assert all(char.isprintable() for char in text.removesuffix("\n"))
    assert "é 日本" in text
    assert {"a": HOSTILE, "b": "\U000e0001"} == json.loads(text)
