"""docs/first-account.md and what `status` checks are one list."""

from __future__ import annotations

import re
from pathlib import Path

from operations.manual_steps import STEPS

PAGE = Path(__file__).parents[2] / "docs" / "first-account.md"


def test_the_page_names_every_check() -> None:
    """In the order in which they are done, each once, with the heading that it leads to."""
    text = PAGE.read_text()
    rows = re.findall(r"^\| \[(.+?)\]\(#.+?\) \| `by hand: (\w+)`", text, re.MULTILINE)
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)

    assert [step.name for step in STEPS] == [name for _, name in rows]
    assert {heading for heading, _ in rows} <= set(headings)


def test_every_command_on_the_page_is_a_task() -> None:
    """Nobody types what is not there."""
    import tasks

    commands = set(re.findall(r"\./inv ([\w.]+)", PAGE.read_text()))

    assert commands - set(tasks.namespace.task_names) == set()
