"""Text from AWS is printed with control characters escaped."""

from __future__ import annotations

import json

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands import db
from commands.framework import table, terminal
from commands.framework.task import task
from deployer.errors import CloudError

HOSTILE = "\x1b]0;owned\x07 \x9b2J \r \x7f \u202e é 日本"
ESCAPED = r"\x1b]0;owned\x07 \x9b2J \r \x7f \u202e é 日本"


def test_lines_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line is printed as it is, except for control characters."""
    terminal.show(f"one {HOSTILE}\ntwo")

    assert capsys.readouterr().out == f"one {ESCAPED}\ntwo\n"


def test_an_error_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """An error and its hint may quote the response of a Lambda function or of AWS."""

    @task()
    def fails(_: Context) -> None:
        raise CloudError(HOSTILE, hint=HOSTILE)

    with pytest.raises(Exit):
        fails(Context())

    assert capsys.readouterr().err == f"error: {ESCAPED}\nhint: {ESCAPED}\n"


def test_names_of_migrations_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """Names of migrations come from the response of the Lambda function, so they are escaped."""
    db._print({"applied": [HOSTILE]}, if_empty="")

    assert capsys.readouterr().out == f"applied {ESCAPED}\n"


def test_json_rows_are_escaped() -> None:
    """Control characters beyond ASCII are escaped too; a JSON parser restores them."""
    text = table.text("rows", [{"a": HOSTILE, "b": "\U000e0001"}], ["a"], as_json=True)

    assert all(char.isprintable() for char in text.removesuffix("\n"))
    assert "é 日本" in text
    assert json.loads(text)["rows"] == [{"a": HOSTILE, "b": "\U000e0001"}]
