"""The standard library of each Python version of Lambda."""

from __future__ import annotations

import sys

import pytest

from deployer.artifacts import stdlib


@pytest.mark.parametrize(
    ("python", "has", "lacks"),
    [
        ((3, 11), {"imp", "cgi"}, {"compression"}),
        ((3, 12), {"cgi"}, {"imp", "distutils", "compression"}),
        ((3, 13), {"json"}, {"imp", "cgi", "telnetlib", "compression"}),
        ((3, 14), {"compression", "annotationlib"}, {"imp", "cgi"}),
    ],
)
def test_versions(python: tuple[int, int], has: set[str], lacks: set[str]) -> None:
    """Modules are known from the version that added them until the version that removed them."""
    names = stdlib.names(python)

    assert (has - names, lacks & names) == (set(), set())


def test_this_python() -> None:
    """For the running version the list is that of Python itself."""
    assert stdlib.names(sys.version_info[:2]) == sys.stdlib_module_names
