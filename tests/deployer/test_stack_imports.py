"""All imports in stack files that fail are found in one run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from deployer.stack_imports import import_errors

FILES = {
    "__init__.py": "from stacks_x import netwrk\n",
    "network.py": "import json\nimport jsson\nfrom troposphere import Subb\n",
    "cluster.py": "from stacks_x.network import Network\nfrom stacks_x.parts.name import x\n",
    "dns.py": "NAME = undefined\n",
    "broken.py": "x = (\n",
    "parts/__init__.py": "",
    "parts/names.py": "x = 1\n",
    "checked.py": "import typing\nif typing.TYPE_CHECKING:\n    import missing\n",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a package with several broken imports, and remove its modules afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    package = tmp_path / "stacks_x"
    for name, text in FILES.items():
        file = package / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return package


def test_all_errors_are_reported_together(folder: Path) -> None:
    """Each failing import has a line with the nearest name, also several of one file."""
    assert import_errors(folder) == [
        "stacks_x/__init__.py:1: module stacks_x has no netwrk; did you mean network?",
        "stacks_x/network.py:2: no module jsson; did you mean json?",
        "stacks_x/cluster.py:2: no module stacks_x.parts.name; did you mean stacks_x.parts.names?",
        "stacks_x/dns.py:1: no name undefined",
        "stacks_x/network.py:3: module troposphere has no Subb; did you mean Sub?",
    ]


def test_the_package_is_restored(folder: Path) -> None:
    """The empty package that replaces the real one during the search is removed."""
    import_errors(folder)

    assert "stacks_x" not in sys.modules
