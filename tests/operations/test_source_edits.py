"""Lines are inserted at one place of a Python file, or an error names the place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from operations.source_edits import SourceEdits, StackDefinition

STACKS = Path(__file__).parents[2] / "stacks"
WITH_FUNCTIONS = ("avatars", "messages", "users")

STACK = '''\
from deployer.model import Env, Template

@dataclass
class Mailer:
    """The outputs that other stacks use."""

def define(t, env):
    """Add it."""
    return Mailer()
'''


def test_lines_are_inserted_after_the_last_match() -> None:
    """All other text is unchanged."""
    edits = SourceEdits("x.py", "a1\na2\nb\n")

    edits.insert_after(r"^a.\n", "a3\n", "lines")

    assert (edits.text, edits.errors) == ("a1\na2\na3\nb\n", [])


def test_lines_are_inserted_before_the_only_match() -> None:
    """All other text is unchanged."""
    edits = SourceEdits("x.py", "a\nb\n")

    edits.insert_before(r"^b\n", "a2\n", "line b")

    assert (edits.text, edits.errors) == ("a\na2\nb\n", [])


@pytest.mark.parametrize("text", ["", "a\n", "b\nb\n"])
def test_a_missing_or_repeated_place_is_an_error(text) -> None:
    """The text is unchanged, and the error names the file and the place."""
    edits = SourceEdits("x.py", text)

    edits.insert_before(r"^b\n", "a2\n", "line b")

    assert (text, ["x.py: does not have the expected line b"]) == (edits.text, edits.errors)


def test_lists_stay_sorted() -> None:
    """A value is added in alphabetical order, and only once."""
    edits = SourceEdits("x.py", 'NAMES = ["a", "c"]\nOTHERS = ["d"]\n')

    edits.add_to_list("NAMES", "b")
    edits.add_to_list("NAMES", "b")
    edits.add_to_list("MORE", "b")

    assert edits.text == 'NAMES = ["a", "b", "c"]\nOTHERS = ["d"]\n'
    assert edits.errors == ["x.py: does not have the expected MORE"]


def test_a_first_output_is_added() -> None:
    """The class of the outputs gets a field, `define` returns its value, the type is imported."""
    text = StackDefinition.parse(STACK).with_output("send")

    assert '    """The outputs that other stacks use."""\n\n    send: FunctionName\n' in text
    assert "    return Mailer(send=send.ref())\n" in text
    assert text.startswith("from stacks.monitored_outputs import FunctionName\n")


@pytest.mark.parametrize("stack", WITH_FUNCTIONS)
def test_an_output_is_added_to_a_stack_of_the_project(stack) -> None:
    """The field and the value are added to those that the stack has."""
    definition = StackDefinition.parse((STACKS / f"{stack}.py").read_text("utf-8"))

    added = StackDefinition.parse(definition.with_output("send"))

    assert [name for name in _fields(added.outputs) if name not in _fields(definition.outputs)] == [
        "send"
    ]
    assert [
        ast.unparse(keyword)
        for keyword in added.returned.keywords
        if ast.unparse(keyword) not in map(ast.unparse, definition.returned.keywords)
    ] == ["send=send.ref()"]
    assert [*_imported(added.text)].count("FunctionName") == 1


@pytest.mark.parametrize("text", ["", "def define(:", "def define():\n    return 1\n"])
def test_another_form_is_not_edited(text) -> None:
    """A file without outputs, or with a syntax error, has no definition."""
    assert StackDefinition.parse(text) is None


def _fields(node: ast.ClassDef) -> list[str]:
    return [ast.unparse(item.target) for item in node.body if isinstance(item, ast.AnnAssign)]


def _imported(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)
