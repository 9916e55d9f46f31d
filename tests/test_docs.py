"""The documentation matches the code."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from deployer import dependency_graph
from operations import project

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_stacks_in_the_readme_exist() -> None:
    """The boxes of the diagram are stacks; docs/layers.md, which is generated, lists all of them."""
    readme = (ROOT / "README.md").read_text()
    [diagram] = re.findall(r"```mermaid\n(.*?)```", readme, re.DOTALL)
    boxes = set(re.findall(r"\b\w+\[\(?([a-z-]+)", diagram))
    names = {stack.short_name for stack in project.environment("local").desired}

    assert len(boxes) > 5
    assert boxes - names == set()
    assert "(docs/layers.md)" in readme


def test_the_diagram_is_current() -> None:
    """The diagram of the stacks is the output of `invoke graph`."""
    page = (ROOT / "docs/architecture.md").read_text()
    [shown] = re.findall(r"```mermaid\n(.*?)```", page, re.DOTALL)

    assert dependency_graph.mermaid(project.environment("local").desired) == shown


def test_every_task_is_documented() -> None:
    """docs/tasks.md names every task."""
    import tasks

    page = (ROOT / "docs/tasks.md").read_text()
    named = set(re.findall(r"`([\w.-]+)", page))

    assert set(tasks.namespace.task_names) - named == set()


def test_exit_codes_are_documented() -> None:
    """docs/architecture.md lists the exit codes of all errors and results."""
    from commands.framework.streams import BROKEN_PIPE
    from deployer import errors

    page = (ROOT / "docs/architecture.md").read_text()
    documented = set(map(int, re.findall(r"^\| (\d+) \|", page, re.MULTILINE)))
    classes = [value for value in vars(errors).values() if inspect.isclass(value)]
    codes = {error.code for error in classes if issubclass(error, errors.DeployError)}

    assert codes | {0, 2, 130, BROKEN_PIPE} == documented


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_have_targets(page: Path) -> None:
    """A link within the repository points to an existing file."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_decision_numbers_are_consecutive() -> None:
    """The numbers of docs/decisions/NNNN-title.md have no duplicates and no omissions."""
    numbers = [int(page.name[:4]) for page in sorted((ROOT / "docs/decisions").glob("*.md"))]

    assert list(range(1, len(numbers) + 1)) == numbers


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs/decisions").glob("*.md")), ids=lambda p: p.stem
)
def test_a_decision_has_three_parts(page: Path) -> None:
    """A decision states its context, the decision and the consequences."""
    headings = re.findall(r"^## (.*)$", page.read_text(), re.MULTILINE)

    assert headings == ["Context", "Decision", "Consequences"]
