"""Find the line of a stack file that defines a resource, and the description of the file."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType


@dataclass(frozen=True)
class Line:
    """The line of a stack file that defines a resource."""

    file: str
    number: int

    def __str__(self) -> str:
        """Return the line in the form that editors open, such as stacks/network.py:42."""
        return f"{self.file}:{self.number}"


def first_sentence(define: Callable[..., object]) -> str:
    """Return the first sentence of the stack file, which becomes the template's description."""
    return (inspect.getdoc(inspect.getmodule(define)) or "").partition("\n")[0]


def file_of(define: Callable[..., object]) -> Path:
    return Path(inspect.getfile(define))


def short_path(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"


def line_in(file: str, frame: FrameType | None) -> int | None:
    """Return the current line of *file* in the innermost of its frames, from *frame* outwards."""
    while frame is not None and frame.f_code.co_filename != file:
        frame = frame.f_back
    return frame.f_lineno if frame else None
