"""docs/deploy-faults.md links each fault of a deploy to existing tests."""

from __future__ import annotations

import re
from pathlib import Path

from tests.test_parity import DEFINITION_LINK, LINK_DEFINITION, definitions

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "deploy-faults.md").read_text()
ROWS = re.findall(r"^\| (D\d\d) \| (.+?) \| (.+?) \| (.+?) \|$", TEXT, re.MULTILINE)


def test_every_fault_has_a_row() -> None:
    """The rows have the numbers from 1 to 56, in order."""
    assert [number for number, *_ in ROWS] == [f"D{number:02}" for number in range(1, 57)]


def test_every_fault_has_a_test() -> None:
    """The last cell of each row has a link."""
    assert [row[0] for row in ROWS if not DEFINITION_LINK.search(row[3])] == []


def test_linked_tests_exist() -> None:
    """Each link names a test function in its file, and each file has a link definition."""
    links = DEFINITION_LINK.findall(TEXT)

    missing = [
        (name, path)
        for name, path in links
        if name not in {defined.rpartition(".")[2] for defined in definitions(path)}
    ]
    assert missing == []
    assert {path: f"../{path}" for _, path in links} == dict(LINK_DEFINITION.findall(TEXT))
