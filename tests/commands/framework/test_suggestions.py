"""Unknown words are explained, with a suggestion; test_flags.py tests them in command lines."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from commands.framework import suggestions

TASK = SimpleNamespace(name="deploy", args=["stack", "env"], flags=["--stack", "--env"])


@pytest.mark.parametrize(
    ("token", "task", "expected"),
    [
        ("--stakc", TASK, "--stakc: no such flag; did you mean --stack?"),
        ("migrate", None, "migrate: no such task; did you mean db.migrate?"),
        ("dev", TASK, "dev: is not a flag or a task; did you mean --env=dev?"),
        ("cluster", TASK, "cluster: is not a flag or a task; did you mean --stack=cluster?"),
    ],
)
def test_unknown(token: str, task: object, expected: str) -> None:
    """The suggestion is a similar flag or task, an environment, or the flag of the value."""
    assert suggestions.unknown(token, task, {"db.migrate": None}, ["dev"]) == expected
