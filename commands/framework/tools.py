"""End a task with the exit code of a tool that failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from invoke.exceptions import Exit

from operations.development import ToolError


@contextmanager
def exit_code_of_tools() -> Iterator[None]:
    """End the task with the exit code of a tool that failed. The tool has printed the reason."""
    try:
        yield
    except ToolError as error:
        raise Exit(code=error.code) from error
