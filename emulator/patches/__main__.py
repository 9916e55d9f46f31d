"""Write the differences into docs/emulator.md: `python -m emulator.patches`."""

from __future__ import annotations

from pathlib import Path

from emulator.patches import differences

DOCUMENT = Path(__file__).parents[2] / "docs" / "emulator.md"

if __name__ == "__main__":
    DOCUMENT.write_text(differences.updated(DOCUMENT.read_text()))
