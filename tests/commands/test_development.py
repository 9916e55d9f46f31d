"""The tasks of a contributor end with the exit code of their tool."""

from __future__ import annotations

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands import development
from operations import development as operation


def test_the_exit_code_of_a_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed tool has printed its errors, so the task prints none."""

    def fail(*_: object) -> None:
        raise operation.ToolError(5)

    monkeypatch.setattr(operation, "run", fail)

    with pytest.raises(Exit) as ended:
        development.check(Context())

    assert ended.value.code == 5
