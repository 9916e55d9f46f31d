"""What AWS does and the emulator does not: closed here one concern per module, or known as open.

GAPS      the table of both (table.py); docs/emulator.md shows it
close()   closes what can be closed, once, before the first request
"""

from __future__ import annotations

from importlib import import_module

from emulator.patches.table import GAPS, Gap

__all__ = ["GAPS", "Gap", "close"]


def close() -> None:
    """Close every gap, in the order of the table."""
    for name in dict.fromkeys(gap.module for gap in GAPS if gap.module):
        import_module(f"emulator.patches.{name}").close()
