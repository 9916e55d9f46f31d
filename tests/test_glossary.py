"""docs/glossary.md maps names of the original project to names that are used here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from operations import project, stack_aliases

ROOT = Path(__file__).parent.parent
ROWS = [
    (original.strip(), here.strip())
    for original, here in re.findall(
        r"^\| (.+?) \| (.+) \|$", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE
    )
]
CODE = re.compile(r"`([^`]+)`")
SAME = "the same"


@pytest.mark.parametrize(
    ("hint", "layer"), stack_aliases.STACK_ALIASES.items(), ids=lambda value: value
)
def test_every_hint_is_in_it(hint: str, layer: str) -> None:
    """The page has the same stack names as the hints of `--stack`."""
    [here] = [here for original, here in ROWS if hint in CODE.findall(original)]

    assert layer == CODE.findall(here)[0]


def test_every_function_is_in_it() -> None:
    """The page has every function."""
    folders = {handler.parent.name for handler in (ROOT / "lambdas").glob("*/handler.py")}

    assert folders
    assert folders - {word for _, here in ROWS for word in CODE.findall(here)} == set()


def test_names_are_those_of_templates() -> None:
    """Names that begin with crd-ENV- exist in `prod`."""
    desired = project.environment("prod").desired
    texts = "".join([stack.text for stack in desired] + [p.text for w in desired for p in w.nested])
    called = {
        word.removesuffix("…").replace("ENV", "prod").removesuffix("-")
        for _, here in ROWS
        for word in CODE.findall(here)
        if word.startswith("crd-ENV-")
    }

    assert called
    assert [name for name in called if name not in texts] == []


def test_titles_are_those_of_stacks() -> None:
    """Titles of resources exist in their stack file."""
    sources = "".join(file.read_text() for file in (ROOT / "stacks").rglob("*.py"))
    titles = {
        title for _, here in ROWS for title in re.findall(r"`([A-Z][a-z]\w+)` of `\w+`", here)
    }

    assert titles
    assert [title for title in sorted(titles) if f'"{title}"' not in sources] == []


def test_variables_are_in_use() -> None:
    """Variables exist in a source file."""
    folders = ("stacks", "lambdas", "commands", "operations")
    sources = "".join(
        file.read_text() for folder in folders for file in (ROOT / folder).rglob("*.py")
    )
    kept = {
        word
        for original, here in ROWS
        for word in CODE.findall(original if here.startswith(SAME) else here)
        if re.fullmatch(r"[A-Z][A-Z_]+", word)
    }

    assert kept
    assert [name for name in sorted(kept) if name not in sources] == []


def test_no_cell_is_empty() -> None:
    """Each name of the original has an entry."""
    assert [row for row in ROWS if not all(row)] == []
