"""Imports that are read from source text."""

from __future__ import annotations

import ast
import gc
import sys
import textwrap
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.artifacts.conditions import Machine
from deployer.artifacts.imports import imports, parse

LAMBDA = Machine((3, 13), "linux")
SUPPRESS = "import contextlib\nwith contextlib.suppress(ImportError):\n    import fast\n"


def needed(source: str, machine: Machine = LAMBDA, available: tuple[str, ...] = ()) -> set[str]:
    """Return the modules that must exist, if those in *available* exist."""
    found = imports(source.encode(), "a.handler", machine)
    given_ = {"contextlib", "sys", "typing", "importlib", "importlib.util", "os"}
    return {item.module for item in found if item.is_needed(available.__contains__)} - given_


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "import sys\nif sys.version_info >= (3, 11):\n    import new\nelse:\n    import old\n",
            {"new"},
        ),
        ("import sys\nif sys.version_info < (3, 9):\n    import old\n", set()),
        ("from sys import version_info as v\nif v < (3, 9):\n    import old\n", set()),
        ("import sys\nif sys.platform == 'win32':\n    import old\n", set()),
        ("import sys\nif sys.version_info > (3, 13, 9):\n    import odd\n", set()),
        ("import os\nif os.environ.get('X'):\n    import debug\n", {"debug"}),
        ("import typing as t\nif t.TYPE_CHECKING:\n    import old\n", set()),
        ("from typing import TYPE_CHECKING as T\nif not T:\n    import new\n", {"new"}),
        ("from importlib.util import find_spec\nif find_spec('x'):\n    import x\n", set()),
        (SUPPRESS, set()),
        (
            "from contextlib import suppress\nwith suppress(OSError, ImportError):\n    import x\n",
            set(),
        ),
        (
            "from contextlib import suppress as s\nwith s(ModuleNotFoundError):\n    import x\n",
            set(),
        ),
        ("from contextlib import suppress\nwith suppress(OSError):\n    import x\n", {"x"}),
        ("with open('x') as f:\n    import x\n", {"x"}),
        ("try:\n    import x\nexcept* ImportError:\n    pass\n", set()),
        ("try:\n    import x\nexcept BaseException:\n    pass\n", set()),
        ("try:\n    import x\nexcept KeyError:\n    import y\n", {"x", "y"}),
        ("try:\n    import x\nexcept ImportError:\n    import y\n", {"y"}),
        ("import importlib\nimportlib.import_module('x.y')\n", {"x.y"}),
        ("from importlib import import_module\nimport_module('x')\n", {"x"}),
        ("import importlib\nimportlib.import_module('.x', 'a')\n", set()),
        ("import importlib\nimportlib.import_module(name)\n", set()),
        ("x = __import__('x')\n", {"x"}),
        ("async def f():\n    import x\n", {"x"}),
        ("match 1:\n    case 1:\n        import x\n", {"x"}),
        ("import sys\nmatch sys.platform:\n    case 'win32':\n        import x\n", set()),
        ("import os\nx = __import__('x') if os.name == 'nt' else None\n", set()),
        ("x = None if a else __import__('x')\n", {"x"}),
        ("class A:\n    import x\n", {"x"}),
        ("f = lambda: __import__('x')\n", {"x"}),
    ],
)
def test_needed(source: str, expected: set[str]) -> None:
    """An import is needed unless the target never executes it, or its failure is caught."""
    assert needed(source) == expected


def test_instead() -> None:
    """A replacement for a missing module is needed only if that module is missing."""
    source = "try:\n    import tomllib\nexcept ImportError:\n    import tomli as tomllib\n"

    assert needed(source) == {"tomli"}
    assert needed(source, available=("tomllib",)) == set()


def test_instead_of_several() -> None:
    """An alternative is needed if one of the modules that are tried is missing."""
    source = """
        try:
            import one, two
        except ImportError:
            try:
                import three
            except ImportError:
                import four
    """
    source = textwrap.dedent(source)

    assert needed(source, available=("one", "two")) == set()
    assert needed(source, available=("one", "three")) == set()
    assert needed(source, available=("one",)) == {"four"}


def test_caught_within() -> None:
    """A failure that an inner handler catches does not make the outer replacement needed."""
    source = """
        try:
            import one
            try:
                import two
            except ImportError:
                two = None
        except ImportError:
            import three
    """

    assert needed(textwrap.dedent(source), available=("one",)) == set()


def test_unknown_target() -> None:
    """Without a target both branches are read, and none of them is needed."""
    source = b"import sys\nif sys.version_info > (3, 11):\n    import x\nelse:\n    import y\n"

    found = imports(source, "a")

    assert {item.module: item.optional for item in found} == {"sys": False, "x": True, "y": True}


@pytest.mark.parametrize(
    "source",
    [
        b"if a:\n    import x\n",
        b"match a:\n    case 1:\n        import x\n",
        b"a and b if c else __import__('x')\n",
    ],
)
def test_conditional(source: bytes) -> None:
    """An import that depends on any other value is conditional: packages may never execute it."""
    assert [(item.module, item.conditional) for item in imports(source, "a")] == [("x", True)]


TOO_DEEP = [b"x = " + b"+".join([b"1"] * depth) for depth in (1500, 9999)]
TOO_DEEP += [b"x = " + b"-" * 100_000 + b"1", b"if x: pass\n" + b"elif x: pass\n" * 1500]


@pytest.fixture
def _default_recursion_limit() -> Iterator[None]:
    """Set Python's default: a package that MiniStack imports raises the limit for all tests."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(limit)


@pytest.mark.usefixtures("_default_recursion_limit")
@pytest.mark.parametrize(
    "source", [b"x = (", b"\0", b"\xff = 1", b"# coding: nonsense\n", *TOO_DEEP]
)
def test_invalid_source(source: bytes) -> None:
    """Text that is not Python raises SyntaxError."""
    with pytest.raises(SyntaxError):
        imports(source, "a")


def test_warnings() -> None:
    """Warnings about the source are ignored."""
    assert imports(b"import x\ny = '\\d'\n", "a")[0].module == "x"


@given(st.binary(max_size=60))
def test_any_bytes(source: bytes) -> None:
    """Any content is parsed or raises SyntaxError."""
    try:
        imports(source, "a.b")
    except SyntaxError:
        return


MODULES = st.sampled_from(["json", "absent_one", "absent_two", "absent_three.more"])
LEAVES = st.one_of(MODULES.map("import {}\n".format), st.just("pass\n"))


def _indented(text: str) -> str:
    return textwrap.indent(text, "  ")


def _blocks(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    caught = st.sampled_from(["ImportError", "(OSError, ModuleNotFoundError)", "KeyError", ""])
    tests = st.sampled_from(
        ["sys.version_info < (3, 5)", "sys.platform == 'win32'", "TYPE_CHECKING", "True", "not 1"]
    )
    return st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds(
            lambda body, name, other: f"try:\n{_indented(body)}except {name}:\n{_indented(other)}",
            inner,
            caught,
            inner,
        ),
        st.builds(
            lambda test, body, other: f"if {test}:\n{_indented(body)}else:\n{_indented(other)}",
            tests,
            inner,
            inner,
        ),
        st.builds(
            lambda name, body: f"with contextlib.suppress({name}):\n{_indented(body)}",
            caught.filter(lambda name: name.isalpha()),
            inner,
        ),
    )


@given(st.recursive(LEAVES, _blocks, max_leaves=6))
def test_same_missing_module_as_python(source: str) -> None:
    """A module whose absence stops Python is reported as needed."""
    source = f"import sys, contextlib\nTYPE_CHECKING = False\n{source}"
    here = Machine((sys.version_info.major, sys.version_info.minor), sys.platform)
    available = {"sys", "contextlib", "json"}
    found = imports(source.encode(), "a", here)
    missing = {item.module for item in found if item.is_needed(available.__contains__)} - available

    missed = _run(source)

    assert missed in {"", *(module.partition(".")[0] for module in missing)}


def _run(source: str) -> str:
    """Return the module that Python does not find when it runs *source*, or nothing."""
    try:
        exec(source, {})  # noqa: S102  # It was made here.
    except ModuleNotFoundError as error:
        return str(error.name)
    return ""


def test_garbage_collection_during_the_conversion() -> None:
    """Parsing works while a finalizer calls ast.parse, as the formatting of a traceback does."""

    class Finalized:
        def __del__(self) -> None:
            self.parse_deeper(3)

        def parse_deeper(self, levels: int) -> None:
            if levels:
                self.parse_deeper(levels - 1)
            else:
                ast.parse("1 + 1")

    threshold = gc.get_threshold()
    gc.collect()
    cycle = Finalized()
    cycle.itself = cycle
    del cycle
    gc.set_threshold(50)
    try:
        tree = parse(b"a = 1\n" * 300)
    finally:
        gc.set_threshold(*threshold)

    assert len(tree.body) == 300
