"""The tasks for change sets left for review check their flags."""

from __future__ import annotations

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands import change_set


@pytest.mark.parametrize("task", [change_set.execute, change_set.delete])
def test_the_arn_is_required(capsys: pytest.CaptureFixture[str], task: object) -> None:
    """Without an ARN, nothing is executed or deleted."""
    with pytest.raises(Exit):
        task(Context())  # type: ignore[operator]  # a task can be called

    assert "error: --arn is required\n" in capsys.readouterr().err
