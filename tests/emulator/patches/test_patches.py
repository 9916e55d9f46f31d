"""The table of gaps is true: modules and tests exist, every module stands in it, the doc shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.patches import GAPS, Gap, table

CHECKOUT = Path(__file__).parents[3]
HERE = Path(__file__).parents[1]
MODULES = CHECKOUT / "emulator" / "patches"
NO_GAP = {"__init__", "__main__", "table"}


@pytest.mark.parametrize("gap", GAPS, ids=lambda gap: gap.aws[:40])
def test_row(gap: Gap) -> None:
    """A closed gap has a module and a test that are there; an open one says what to mind."""
    if not gap.module:
        assert gap.consequence
        return
    file, _, name = gap.test.partition("::")

    assert (MODULES / f"{gap.module.replace('.', '/')}.py").exists()
    assert f"def {name}(" in (HERE / file).read_text()


def test_every_module() -> None:
    """No module closes what the table does not name."""
    closing = {gap.module for gap in GAPS if gap.module}

    files = MODULES.rglob("*.py")
    modules = {".".join(file.relative_to(MODULES).with_suffix("").parts) for file in files}
    assert {name for name in modules if not name.endswith("__init__")} - NO_GAP == closing


def test_document() -> None:
    """docs/emulator.md shows the table as it is: `python -m emulator.patches`."""
    document = (CHECKOUT / "docs" / "emulator.md").read_text()

    assert table.inserted(document) == document
