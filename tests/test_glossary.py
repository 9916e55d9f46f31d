"""docs/glossary.md maps names of the original project to names that are used here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from operations import project, stack_aliases

ROOT = Path(__file__).parent.parent
ROWS = [
    (original.strip(), current.strip())
    for original, current in re.findall(
        r"^\| (.+?) \| (.+) \|$", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE
    )
]
CODE_SPAN = re.compile(r"`([^`]+)`")
SAME_NAME = "the same"


@pytest.mark.parametrize(
    ("alias", "stack"), stack_aliases.STACK_ALIASES.items(), ids=lambda value: value
)
def test_every_alias_has_its_stack(alias: str, stack: str) -> None:
    """The page has the same stack names as the hints of `--stack`, which map the original names."""
    [current] = [current for original, current in ROWS if alias in CODE_SPAN.findall(original)]

    assert stack == CODE_SPAN.findall(current)[0]


def test_functions_of_the_original_are_listed() -> None:
    """Each function that replaces one of the original has a row, and exists."""
    page = (ROOT / "docs/glossary.md").read_text()
    [table] = re.findall(r"^## Functions\n(.*?)^## ", page, re.MULTILINE | re.DOTALL)
    named = re.findall(r"^\| .+ \| `(\w+)` \|$", table, re.MULTILINE)

    assert set(named) == {
        *("authorizer", "messaging_stream", "migrate"),
        *("post_confirmation", "thumbnail", "upload_url"),
    }
    assert [name for name in named if not (ROOT / "lambdas" / name / "handler.py").exists()] == []


def test_names_exist_in_templates() -> None:
    """Names that begin with crd-ENV- exist in `prod`."""
    desired = project.environment("prod").desired
    nested = [template.text for stack in desired for template in stack.nested]
    texts = "".join([*(stack.text for stack in desired), *nested])
    names = {
        word.removesuffix("…").replace("ENV", "prod").removesuffix("-")
        for _, current in ROWS
        for word in CODE_SPAN.findall(current)
        if word.startswith("crd-ENV-")
    }

    assert names
    assert [name for name in names if name not in texts] == []


def test_titles_exist_in_stack_files() -> None:
    """Titles of resources exist in their stack file."""
    sources = "".join(file.read_text() for file in (ROOT / "stacks").rglob("*.py"))
    titles = {
        title for _, current in ROWS for title in re.findall(r"`([A-Z][a-z]\w+)` of `\w+`", current)
    }

    assert titles
    assert [title for title in sorted(titles) if f'"{title}"' not in sources] == []


def test_variables_exist_in_source_files() -> None:
    """Variables exist in a source file."""
    folders = ("stacks", "lambdas", "commands", "operations")
    sources = "".join(
        file.read_text() for folder in folders for file in (ROOT / folder).rglob("*.py")
    )
    variables = {
        word
        for original, current in ROWS
        for word in CODE_SPAN.findall(original if current.startswith(SAME_NAME) else current)
        if re.fullmatch(r"[A-Z][A-Z_]+", word)
    }

    assert variables
    assert [name for name in sorted(variables) if name not in sources] == []


def test_no_cell_is_empty() -> None:
    """Each name of the original has an entry."""
    assert [row for row in ROWS if not all(row)] == []
