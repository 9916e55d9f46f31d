"""The `avatar.*` tasks check their flags before they connect."""

from __future__ import annotations

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands import avatar


@pytest.mark.parametrize(
    ("task", "arguments", "message"),
    [
        (avatar.upload, {"sub": "x", "file": "absent.png"}, "--file=absent.png: no such file"),
        (avatar.delete, {}, "--sub is required"),
    ],
)
def test_errors(capsys, task, arguments: dict[str, str], message: str) -> None:
    """A missing file or user is an error with a hint."""
    with pytest.raises(Exit):
        task(Context(), **arguments)

    assert f"error: {message}\nhint: " in capsys.readouterr().err
