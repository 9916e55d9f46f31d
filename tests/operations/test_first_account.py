"""docs/first-account.md lists the manual steps that `status` checks."""

from __future__ import annotations

import re
from pathlib import Path

from operations.manual_steps import CHECKS

PAGE = Path(__file__).parents[2] / "docs" / "first-account.md"


def test_the_page_names_every_check() -> None:
    """The page lists the checks in the order of CHECKS, each once, with a link to its heading."""
    text = PAGE.read_text()
    rows = re.findall(r"^\| \[(.+?)\]\(#.+?\) \| `manual: (\w+)`", text, re.MULTILINE)
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)

    assert [check.name for check in CHECKS] == [name for _, name in rows]
    assert {heading for heading, _ in rows} <= set(headings)


def test_every_command_on_the_page_is_a_task() -> None:
    """Each `./inv TASK` on the page exists."""
    import tasks

    commands = set(re.findall(r"\./inv ([\w.]+)", PAGE.read_text()))

    assert commands - set(tasks.namespace.task_names) == set()
