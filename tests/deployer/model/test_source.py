"""Lines and descriptions of stack files."""

from __future__ import annotations

import sys
from pathlib import Path

from deployer.model.source import Line, file_of, first_sentence, line_in, short_path


def example() -> None:
    """Define nothing."""


def test_a_line_has_the_form_that_editors_open() -> None:
    """A line is written as FILE:NUMBER."""
    assert str(Line("stacks/network.py", 42)) == "stacks/network.py:42"


def test_the_description_is_the_first_line_of_the_file() -> None:
    """The description is from the docstring of the module, not of the function."""
    assert first_sentence(example) == "Lines and descriptions of stack files."


def test_a_function_without_file_docstring_has_no_description() -> None:
    """The description is empty then."""
    namespace: dict[str, object] = {"__name__": "unknown"}
    exec("def define(): ...", namespace)  # noqa: S102  # A function without a module.

    assert first_sentence(namespace["define"]) == ""  # type: ignore[arg-type]


def test_the_file_of_a_function() -> None:
    """The path is absolute; its short form has the folder and the name."""
    file = file_of(example)

    assert Path(__file__) == file
    assert short_path(file) == "model/test_source.py"


def test_the_innermost_line_of_a_file_is_found() -> None:
    """Frames of other files are skipped; without a frame of the file there is no line."""

    def inner() -> int | None:
        return line_in(__file__, sys._getframe())

    first_line = inner.__code__.co_firstlineno

    assert first_line + 1 == inner()
    assert line_in("other.py", sys._getframe()) is None
    assert line_in(__file__, None) is None
