"""docs/parity.md links each feature and defect of the original to existing code or tests."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

from deployer.policy.rules import RULES

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/parity.md"

# A link is [`name`][path], or [path][] for a whole file or folder; link definitions at the end of the
# page have the paths. Tasks, rules and decisions are ordinary links to other pages.
DEFINITION_LINK = re.compile(r"\[`([^`\]]+)`\]\[([^\]]+)\]")
FILE_LINK = re.compile(r"\[([^\]`]+)\]\[\]")
LINK_DEFINITION = re.compile(r"^\[([^\]]+)\]: (.+)$", re.MULTILINE)
TASK = re.compile(r"\[`([^`\]]+)`\]\(tasks\.md\)")
RULE = re.compile(r"\[([^\]]+)\]\(policy\.md\)")
DECISION = re.compile(r"\[([^\]]+)\]\(decisions/([^)]+)\)")

DEFECTS = set(range(1, 150))


def rows() -> list[list[str]]:
    """Return the cells of all table rows, without headers."""
    lines = PAGE.read_text().splitlines()
    is_rule = [re.fullmatch(r"[|-]+", line) is not None for line in lines] + [False]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for number, line in enumerate(lines)
        if line.startswith("|") and not is_rule[number] and not is_rule[number + 1]
    ]


def linked_definitions() -> list[tuple[str, str]]:
    """Return path and name of each linked definition."""
    return sorted({(path, name) for name, path in DEFINITION_LINK.findall(PAGE.read_text())})


@cache
def definitions(path: str) -> frozenset[str]:
    """Return the names that a Python file defines, with members of a class as Class.name."""
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


def test_every_row_has_a_link() -> None:
    """The last cell of every row has a link, which can be checked."""
    links = (DEFINITION_LINK, FILE_LINK, TASK, RULE, DECISION)

    assert [row for row in rows() if not any(link.search(row[-1]) for link in links)] == []


def test_the_page_has_rows() -> None:
    """The page has rows, so that the other tests check something."""
    assert len(rows()) > 250


def test_every_defect_is_listed_once() -> None:
    """Every defect is listed once, by its number; a row may have several."""
    counted = Counter(
        int(number) for row in rows() if len(row) == 3 for number in row[0].split(", ")
    )

    assert dict.fromkeys(DEFECTS, 1) == dict(counted)


def test_link_definitions_are_complete() -> None:
    """Exactly the used links have a definition, and their files exist."""
    page = PAGE.read_text()
    linked = {path for _, path in DEFINITION_LINK.findall(page)} | set(FILE_LINK.findall(page))

    assert {path: f"../{path}" for path in linked} == dict(LINK_DEFINITION.findall(page))
    assert [path for path in linked if not (ROOT / path).exists()] == []


def test_linked_names_are_defined() -> None:
    """A linked name is defined in its Python file, or is part of the text of another file."""
    undefined = [
        (path, name)
        for path, name in linked_definitions()
        if name not in (definitions(path) if path.endswith(".py") else (ROOT / path).read_text())
    ]

    assert linked_definitions()
    assert undefined == []


def test_linked_tasks_exist() -> None:
    """A link to docs/tasks.md names a task."""
    import tasks

    linked = set(TASK.findall(PAGE.read_text()))

    assert linked
    assert linked - set(tasks.namespace.task_names) == set()


def test_linked_rules_exist() -> None:
    """A link to docs/policy.md names a rule."""
    linked = set(RULE.findall(PAGE.read_text()))

    assert linked
    assert linked - {rule.id for rule in RULES} == set()


def test_linked_decisions_have_their_number() -> None:
    """The text of a link to a decision is its number. test_docs.py checks that the page exists."""
    decisions = DECISION.findall(PAGE.read_text())

    assert decisions
    assert [
        decision for decision in decisions if not decision[1].startswith(f"{decision[0]}-")
    ] == []
