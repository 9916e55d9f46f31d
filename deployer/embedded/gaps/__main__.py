"""Writes the table of gaps into docs/embedded-aws.md: `python -m deployer.embedded.gaps`."""

from __future__ import annotations

from pathlib import Path

from deployer.embedded.gaps import table

DOCUMENT = Path(__file__).parents[3] / "docs" / "embedded-aws.md"

if __name__ == "__main__":
    DOCUMENT.write_text(table.inserted(DOCUMENT.read_text()))
