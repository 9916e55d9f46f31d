"""docs/parity.md links each feature and defect of the original to existing code or tests."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from deployer.policy.rules import RULES

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/parity.md"

# A link is [`name`][path], or [path][] for the whole of a file or folder; the paths are written
# out at the end of the page. Tasks, rules and decisions are ordinary links to other pages.
NAMED = re.compile(r"\[`([^`\]]+)`\]\[([^\]]+)\]")
WHOLE = re.compile(r"\[([^\]`]+)\]\[\]")
WRITTEN_OUT = re.compile(r"^\[([^\]]+)\]: (.+)$", re.MULTILINE)
TASK = re.compile(r"\[`([^`\]]+)`\]\(tasks\.md\)")
RULE = re.compile(r"\[([^\]]+)\]\(policy\.md\)")
DECISION = re.compile(r"\[([^\]]+)\]\(decisions/([^)]+)\)")

DEFECTS = {*range(1, 104), *range(127, 138)}  # The others are of what the application will be.


def rows() -> list[list[str]]:
    """Return the cells of all table rows, without headers."""
    lines = PAGE.read_text().splitlines()
    is_rule = [re.fullmatch(r"[|-]+", line) is not None for line in lines] + [False]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for number, line in enumerate(lines)
        if line.startswith("|") and not is_rule[number] and not is_rule[number + 1]
    ]


def named() -> list[tuple[str, str]]:
    """Return path and name of each linked definition."""
    return sorted({(path, name) for name, path in NAMED.findall(PAGE.read_text())})


@cache
def _definitions(path: str) -> frozenset[str]:
    """Return the names that a Python file defines; members of a class as Class.name."""
    return frozenset(_defined(ast.parse((ROOT / path).read_text()).body))


def _defined(body: list[ast.stmt], inside: str = "") -> list[str]:
    names = []
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.append(inside + name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names.append(inside + name)
            case ast.Assign(targets=[ast.Tuple(elts=several)]):
                names += [inside + ast.unparse(target) for target in several]
        if isinstance(node, ast.ClassDef):
            names += _defined(node.body, f"{node.name}.")
    return names


def test_no_cell_is_empty() -> None:
    """Every row has a text in each cell."""
    assert [row for row in rows() if len(row) not in {2, 3} or not all(row)] == []


def test_every_row_leads_somewhere() -> None:
    """The last cell of every row has a link, which can be checked."""
    links = (NAMED, WHOLE, TASK, RULE, DECISION)

    assert [row for row in rows() if not any(link.search(row[-1]) for link in links)] == []


def test_there_are_rows() -> None:
    """There are rows, so that the other tests check something."""
    assert len(rows()) > 250


def test_every_defect_is_there_once() -> None:
    """Every defect is listed once, by its number; a row may have several."""
    counted = Counter(
        int(number) for row in rows() if len(row) == 3 for number in row[0].split(", ")
    )

    assert dict.fromkeys(DEFECTS, 1) == dict(counted)


def test_paths_are_written_out() -> None:
    """The link definitions are those that are used, and their files exist."""
    page = PAGE.read_text()
    linked = {path for _, path in NAMED.findall(page)} | set(WHOLE.findall(page))

    assert {path: f"../{path}" for path in linked} == dict(WRITTEN_OUT.findall(page))
    assert [path for path in linked if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(("path", "name"), named(), ids=lambda value: value)
def test_what_is_named_is_defined(path: str, name: str) -> None:
    """A linked name is defined in its Python file, or is part of the text of another file."""
    file = ROOT / path

    if file.suffix == ".py":
        assert name in _definitions(path)
    else:
        assert name in file.read_text()


def test_tasks_are_there() -> None:
    """A link to docs/tasks.md names a task."""
    import tasks

    called = set(TASK.findall(PAGE.read_text()))

    assert called
    assert called - set(tasks.namespace.task_names) == set()


def test_rules_are_there() -> None:
    """A link to docs/policy.md names a rule."""
    called = set(RULE.findall(PAGE.read_text()))

    assert called
    assert called - {rule.id for rule in RULES} == set()


def test_decisions_are_those_that_are_meant() -> None:
    """Each is linked under its number; that the pages are there, test_docs.py says of all links."""
    decisions = DECISION.findall(PAGE.read_text())

    assert decisions
    assert [
        decision for decision in decisions if not decision[1].startswith(f"{decision[0]}-")
    ] == []
