"""Declared differences: those with a patch have a test, the others a consequence."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.patches import PATCHES, differences
from emulator.patches.differences import Difference

CHECKOUT = Path(__file__).parents[3]
TESTS = Path(__file__).parents[1]
DECLARED = [
    (module_name, difference)
    for module_name, module in differences.modules().items()
    for difference in module.DIFFERENCES
]


@pytest.mark.parametrize(
    ("module_name", "difference"), DECLARED, ids=[row.aws[:40] for _, row in DECLARED]
)
def test_difference(module_name: str, difference: Difference) -> None:
    """A patched difference has a test that exists; one without a patch has a consequence."""
    if not difference.test:
        assert difference.consequence
        return
    file, _, function = differences.test_of(module_name, difference).partition("::")

    assert f"def {function}(" in (TESTS / file).read_text()


def test_every_patch_is_installed() -> None:
    """Every module with `install` is in PATCHES, and every module in PATCHES declares differences."""
    modules = differences.modules()

    installing = {name for name, module in modules.items() if hasattr(module, "install")}

    assert installing == set(PATCHES)


def test_every_module_is_documented() -> None:
    """Every module in emulator/patches/ declares differences."""
    folder = CHECKOUT / "emulator" / "patches"
    files = (file.relative_to(folder).with_suffix("") for file in folder.rglob("*.py"))
    names = {".".join(file.parts).removesuffix(".__init__") for file in files}

    assert names - {"__init__", "__main__", "differences"} == set(differences.modules())


def test_document() -> None:
    """docs/emulator.md has the current differences; `python -m emulator.patches` writes them."""
    document = (CHECKOUT / "docs" / "emulator.md").read_text()

    assert differences.updated(document) == document
