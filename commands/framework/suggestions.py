"""Say what was probably meant by a word that is no task, no flag and no value."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from invoke.parser.context import to_flag

_TAKERS = ("stack", "name", "layer", "service", "user", "sub", "id", "person", "file", "folder")


def unknown(token: str, task: Any, tasks: Mapping[str, Any], environments: Iterable[str]) -> str:
    """Return the fact about *token*, which follows the flags of *task*, if any, or a task's name."""
    name = getattr(task, "name", None)
    if token.startswith("-"):
        flags = task.flags if task and token.startswith("--") else {}
        return f"{token}: no such flag{_meant(token, flags)}"
    if not name:
        return f"{token}: no such task{_meant(token, tasks)}"
    if "env" in task.args and token in environments:
        return f"{token}: is no flag and no task; did you mean --env={token}?"
    flag = _main_flag(task)
    meant = _meant(token, tasks) or (f"; did you mean {flag}={token}?" if flag else "")
    return f"{token}: is no flag and no task{meant}"


def _main_flag(task: Any) -> str:
    """Return the flag of *task* that names what it works on."""
    return next((to_flag(each) for each in _TAKERS if each in task.args), "")


def _meant(word: str, known: Iterable[str]) -> str:
    words = list(known)
    near = [each for each in words if each.endswith(f".{word}")]
    near = near or difflib.get_close_matches(word, words, n=1, cutoff=0.7)
    return f"; did you mean {near[0]}?" if near else ""
