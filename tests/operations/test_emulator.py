"""The data of the emulator is measured before a reset."""

from __future__ import annotations

from pathlib import Path

import pytest

from operations.emulator import Data


@pytest.mark.parametrize(
    ("sizes", "is_running", "is_empty"),
    [
        ((0, 0, 0), False, True),
        ((0, 0, 0), True, False),
        ((1, 0, 0), False, False),
        ((0, 1, 0), False, False),
        ((0, 0, 1), False, False),
    ],
)
def test_is_empty(sizes: tuple[int, int, int], *, is_running: bool, is_empty: bool) -> None:
    """A stopped emulator without data is empty, so its reset needs no approval."""
    assert Data(Path(), *sizes, is_running).is_empty == is_empty
