"""The modules in a zip."""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.artifacts.package_imports import modules

NAMES = st.sampled_from(["ma", "mb", "__init__", "top"])
FILES = st.builds(
    lambda folders, name, suffix: "/".join([*folders, f"{name}{suffix}"]),
    st.lists(st.sampled_from(["ma", "mb"]), max_size=3),
    NAMES,
    st.sampled_from([".py", ".txt", ".pyi"]),
)


def test_kinds() -> None:
    """Sources, compiled modules and folders are modules; sources have precedence."""
    files = [
        *("a/__init__.py", "a/b.cpython-313-aarch64-linux-gnu.so", "a/c.abi3.so", "a/d.pyc"),
        *("a/e.py", "a/e.abi3.so", "a/e.pyc", "a/f/data.json", "a/g.pyi", "h.py"),
    ]

    assert modules(files) == {
        "a": "a/__init__.py",
        "a.b": "a/b.cpython-313-aarch64-linux-gnu.so",
        "a.c": "a/c.abi3.so",
        "a.d": "a/d.pyc",
        "a.e": "a/e.py",
        "a.f": "",
        "h": "h.py",
    }


@settings(max_examples=30)
@given(st.sets(FILES, max_size=6))
def test_same_modules_as_python(files: set[str]) -> None:
    """Python finds every listed module, with the same file."""
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            file = Path(folder, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        found = modules(files)

        for name, source in found.items():
            assert (source or None) == _source(name, folder), (name, files)


def _source(name: str, folder: str) -> str | None:
    """Return the file that Python's path finder finds for a module; None for a folder."""
    importlib.invalidate_caches()
    places, spec = [folder], None
    for part in name.split("."):
        spec = importlib.machinery.PathFinder.find_spec(part, places)
        assert spec is not None, (name, sys.path)
        places = list(spec.submodule_search_locations or [])
    origin = spec.origin if spec else None
    return Path(origin).relative_to(folder).as_posix() if origin else None
