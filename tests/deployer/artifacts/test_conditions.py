"""Conditions are evaluated as the Python of the target evaluates them."""

from __future__ import annotations

import ast
import os
import platform
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.artifacts.conditions import Machine, depends_on_machine, truth

LINUX = Machine((3, 13), "linux")
HERE = Machine((sys.version_info.major, sys.version_info.minor), sys.platform)
NAMES = {"version": "sys.version_info", "s": "sys", "TC": "typing.TYPE_CHECKING"}


def holds(test: str, machine: Machine = LINUX) -> bool | None:
    return truth(ast.parse(test, mode="eval").body, NAMES, machine)


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("sys.version_info >= (3, 13)", True),
        ("sys.version_info > (3, 13)", True),
        ("sys.version_info <= (3, 13)", False),
        ("sys.version_info == (3, 13)", False),
        ("sys.version_info < (3, 13)", False),
        ("(3, 12) <= sys.version_info < (3, 14)", True),
        ("version >= (3,)", True),
        ("s.version_info[0] == 3", True),
        ("s.version_info[:2] == (3, 13)", True),
        ("sys.version_info.minor < 11", False),
        ("sys.version_info >= (3, 12, 4)", True),
        ("sys.version_info >= (3, 13, 1)", None),
        ("sys.version_info[2] > 1", None),
        ("sys.version_info[-1] > 1", None),
        ("sys.version_info[:3] > (3, 13, 0)", None),
        ("sys.version_info >= 3", None),
        ("sys.platform == 'win32'", False),
        ("sys.platform.startswith(('win', 'cygwin'))", False),
        ("sys.platform in ('linux', 'darwin')", True),
        ("os.name == 'nt'", False),
        ("platform.system() == 'Linux'", True),
        ("platform.python_implementation() == 'PyPy'", False),
        ("sys.implementation.name == 'cpython'", True),
        ("typing.TYPE_CHECKING", False),
        ("TC", False),
        ("not TYPE_CHECKING", True),
        ("TYPE_CHECKING or DEBUG", None),
        ("TYPE_CHECKING and DEBUG", False),
        ("__name__ == '__main__'", False),
        ("'__main__' != __name__", None),
        ("__name__ == 'a.handler'", None),
        ("DEBUG", None),
        ("False", False),
        ("0", False),
        ("os.environ.get('DEBUG')", None),
        ("len(sys.argv) > 1", None),
    ],
)
def test_truth(test: str, expected: bool | None) -> None:
    """Conditions on the Python version and system are known; others are known only at run time."""
    assert holds(test) == expected


@pytest.mark.parametrize("test", ["sys.version_info >= (3, 11)", "sys.platform == 'linux'"])
def test_unknown_machine(test: str) -> None:
    """Without a target no condition is known."""
    assert holds(test, Machine()) is None


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("sys.version_info >= (3, 13, 1)", True),
        ("s.platform == x", True),
        ("importlib.util.find_spec('ujson')", True),
        ("os.name == x", True),
        ("DEBUG", False),
        ("os.environ['X']", False),
    ],
)
def test_depends_on_machine(test: str, expected: bool) -> None:
    """Conditions on the machine differ from conditions on settings."""
    assert depends_on_machine(ast.parse(test, mode="eval").body, NAMES) == expected


NUMBERS = st.integers(1, 15)
VERSIONS = st.one_of(
    st.tuples(st.just(3), NUMBERS),
    st.tuples(NUMBERS),
    st.tuples(st.just(3), NUMBERS, NUMBERS),
    st.tuples(st.just(sys.version_info.major), st.just(sys.version_info.minor)),
)
ATOMS = st.one_of(
    st.builds(
        "{} {} {}".format,
        st.sampled_from(["sys.version_info", "sys.version_info[:2]", "(3, 11)"]),
        st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
        VERSIONS.map(repr),
    ),
    st.sampled_from(
        [
            *("sys.platform == 'win32'", "sys.platform.startswith('lin')", "os.name != 'nt'"),
            *("platform.system() == 'Darwin'", "TYPE_CHECKING", "True", "''", "unknown"),
            *("sys.version_info[1] > 9", "sys.platform in ('linux', 'aix')"),
        ]
    ),
)
TESTS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("(not {})".format, inner),
    ),
    max_leaves=6,
)


@given(TESTS, st.booleans())
def test_same_result_as_python(test: str, unknown: bool) -> None:
    """A known result equals that of Python, for every value of the unknown parts."""
    scope = {"sys": sys, "os": os, "platform": platform}
    result = holds(test, HERE)

    run = bool(eval(test, scope | {"TYPE_CHECKING": False, "unknown": unknown}))  # noqa: S307  # Ours.

    assert result in (None, run)


@given(st.text(max_size=20))
def test_any_expression(text: str) -> None:
    """Every expression that can be parsed is evaluated without an error."""
    try:
        node = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return

    assert truth(node, {}, LINUX) in (True, False, None)
