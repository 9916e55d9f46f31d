"""Which modules a source file imports, read from its text: nothing of it is run."""

from __future__ import annotations

import ast
import functools
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_CAUGHT = {"ImportError", "ModuleNotFoundError", "Exception"}

# Before Python 3.12, two threads that parse at once can fail with "AST constructor recursion depth
# mismatch": github.com/python/cpython/issues/106905.
_PARSING = threading.Lock()


@dataclass(frozen=True)
class Import:
    """`import module`, or `from module import names`; *optional* where a failure is caught."""

    module: str
    names: tuple[str, ...]
    line: int
    optional: bool = False


@functools.lru_cache(maxsize=1024)
def imports(source: bytes, module: str) -> tuple[Import, ...]:
    """Every import that *source* does at run time, wherever in it; raises SyntaxError.

    *module* is its own dotted name, which relative imports start from.
    """
    with _PARSING:
        tree = ast.parse(source)
    return tuple(_found(tree.body, module, optional=False))


def _found(nodes: Iterable[ast.AST], module: str, *, optional: bool) -> Iterator[Import]:
    for node in nodes:
        match node:
            case ast.Import(names=modules, lineno=line):
                yield from (Import(alias.name, (), line, optional) for alias in modules)
            case ast.ImportFrom(lineno=line):
                names = tuple(alias.name for alias in node.names)
                yield Import(_absolute(node, module), names, line, optional)
            case ast.If(test=test) if _for_types(test):
                yield from _found(node.orelse, module, optional=optional)
            case ast.Try(handlers=handlers):
                tried = optional or any(_catches(handler.type) for handler in handlers)
                yield from _found(node.body, module, optional=tried)
                rest = [*handlers, *node.orelse, *node.finalbody]
                yield from _found(rest, module, optional=optional)
            case _:
                yield from _found(ast.iter_child_nodes(node), module, optional=optional)


def _absolute(node: ast.ImportFrom, module: str) -> str:
    parents = module.split(".")[: -node.level] if node.level else []
    return ".".join([*parents, *([node.module] if node.module else [])])


def _for_types(test: ast.expr) -> bool:
    match test:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
        case _:
            return False


def _catches(caught: ast.expr | None) -> bool:
    """Whether an except clause takes an import that failed."""
    match caught:
        case None:
            return True
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in _CAUGHT
        case ast.Tuple(elts=several):
            return any(_catches(one) for one in several)
        case _:
            return False
