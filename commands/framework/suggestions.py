"""Explain an unknown word of the command line, and suggest the intended one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from invoke.parser.context import to_flag

# The flags that name the object of a task, in the order in which they are suggested.
_OBJECT_FLAGS = ("stack", "name", "service", "user", "sub", "id", "user_id", "file", "folder")


def unknown(token: str, task: Any, tasks: Mapping[str, Any], environments: Iterable[str]) -> str:
    """Return the message about the unknown *token*, which follows *task* or is a task's name."""
    name = getattr(task, "name", None)
    if token.startswith("-"):
        flags = task.flags if task and token.startswith("--") else {}
        return f"{token}: no such flag{_suggestion(token, flags)}"
    if not name:
        return f"{token}: no such task{_suggestion(token, tasks)}"
    if "env" in task.args and token in environments:
        return f"{token}: is not a flag or a task; did you mean --env={token}?"
    flag = _object_flag(task)
    suggestion = _suggestion(token, tasks) or (f"; did you mean {flag}={token}?" if flag else "")
    return f"{token}: is not a flag or a task{suggestion}"


def _object_flag(task: Any) -> str:
    """Return the flag of *task* that names its object, or "" if it has none."""
    return next((to_flag(name) for name in _OBJECT_FLAGS if name in task.args), "")


def _suggestion(word: str, known: Iterable[str]) -> str:
    words = list(known)
    similar = [candidate for candidate in words if candidate.endswith(f".{word}")]
    similar = similar or difflib.get_close_matches(word, words, n=1, cutoff=0.7)
    return f"; did you mean {similar[0]}?" if similar else ""
