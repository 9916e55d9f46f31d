"""Describe an exception without data of users.

The message of an exception may contain a value: psycopg, for example, quotes the row that breaks a
constraint. So only messages that consist of names in the code are kept.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from cruddur.settings import SettingsError

MAX_FRAMES = 20  # The innermost frames. With more, a line may be too long for one atomic write.

# Exceptions with messages that contain only names: of modules, attributes, types and variables.
_WITH_MESSAGE = (
    AttributeError,
    ImportError,
    NameError,
    NotImplementedError,
    SettingsError,
    TypeError,
)


def describe(error: BaseException) -> list[dict[str, Any]]:
    """Return *error* and the exceptions that led to it, each with its type and its frames."""
    return [
        {"type": _name(link), **_details(link), "frames": _frames(link.__traceback__)}
        for link in _chain(error)
    ]


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield *error* and its causes, as a traceback prints them; a cycle ends the chain."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _name(error: BaseException) -> str:
    kind = type(error)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def _details(error: BaseException) -> dict[str, str]:
    """Return the facts about *error* that are not data: its message, or codes of PostgreSQL and AWS."""
    if type(error) in _WITH_MESSAGE:
        return {"message": str(error)}
    details: dict[str, str] = {}
    if state := getattr(error, "sqlstate", None):
        details["sqlstate"] = state
        if constraint := error.diag.constraint_name:  # type: ignore[attr-defined]
            details["constraint"] = constraint
    response = getattr(error, "response", None)
    if isinstance(response, dict) and isinstance(response.get("Error"), dict):
        details["code"] = str(response["Error"].get("Code", ""))
        details["operation"] = str(getattr(error, "operation_name", ""))
    return details


def _frames(start: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(start)[-MAX_FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
