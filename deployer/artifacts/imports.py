"""Which modules a source file imports, read from its text: nothing of it is run."""

from __future__ import annotations

import ast
import functools
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from deployer.artifacts.conditions import Machine, depends_on_machine, dotted, truth

_CAUGHT = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
_DYNAMIC = {"importlib.import_module", "__import__", "builtins.__import__"}

# Before Python 3.12, ast.parse fails with "SystemError: AST constructor recursion depth mismatch" if
# another call of it runs meanwhile: in another thread, or in a finalizer that formats a traceback.
# See github.com/python/cpython/issues/106905. The lock serialises our own calls, and a call that
# another one disturbed is repeated.
_PARSING = threading.Lock()
_ATTEMPTS = 5


@dataclass(frozen=True)
class Import:
    """`import module`, or `from module import names`.

    *optional* where a failure is caught, or where the machine or what is installed decides.
    *conditional* below any other `if`; *late* in a function, which may never be called. Each of
    *unless* are modules that are tried before: it is done only if one of them is missing.
    """

    module: str
    names: tuple[str, ...]
    line: int
    optional: bool = False
    conditional: bool = False
    late: bool = False
    unless: tuple[frozenset[str], ...] = ()

    def is_needed(self, has: Callable[[str], bool]) -> bool:
        """Return whether it is done, and must not fail, where *has* tells which modules exist."""
        return not (self.optional or any(all(map(has, tried)) for tried in self.unless))


def parse(source: bytes) -> ast.Module:
    """Parse *source*; raises SyntaxError for whatever is no Python. Warnings are its author's."""
    with _PARSING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _parse(source, _ATTEMPTS)
        except (SyntaxError, ValueError) as error:  # ValueError: a null byte, in older Pythons.
            if isinstance(error, SyntaxError) and error.lineno:
                raise
            raise SyntaxError(str(error), (None, 1, None, None)) from error


def _parse(source: bytes, attempts: int) -> ast.Module:
    try:
        return ast.parse(source)
    except SystemError:
        if attempts == 1:
            raise
    return _parse(source, attempts - 1)


@functools.lru_cache(maxsize=4096)
def imports(source: bytes, module: str, machine: Machine = Machine()) -> tuple[Import, ...]:  # noqa: B008  # Frozen.
    """Every import that *source* does at run time, wherever in it; raises SyntaxError.

    *module* is its own dotted name, which relative imports start from. What *machine* never does
    is left out.
    """
    tree = parse(source)
    return tuple(_Reading(module, machine, aliases(tree)).found(tree.body, Import("", (), 0)))


def aliases(tree: ast.Module) -> Mapping[str, str]:
    """Return the full names of imported modules and members, by what they are called here."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=modules):
                names |= {one.asname: one.name for one in modules if one.asname}
            case ast.ImportFrom(module=str(module), names=members, level=0):
                names |= {one.asname or one.name: f"{module}.{one.name}" for one in members}
    return names


@dataclass(frozen=True)
class _Reading:
    module: str
    machine: Machine
    names: Mapping[str, str]

    def found(self, nodes: Iterable[ast.AST], at: Import) -> Iterator[Import]:
        """Yield the imports in *nodes*; *at* says what holds for all of them."""
        for node in nodes:
            match node:
                case ast.Import(names=modules, lineno=line):
                    yield from (replace(at, module=one.name, line=line) for one in modules)
                case ast.ImportFrom(lineno=line):
                    names = tuple(alias.name for alias in node.names)
                    yield replace(at, module=_absolute(node, self.module), names=names, line=line)
                case ast.If():
                    yield from self._branches(node, at)
                case ast.Try(handlers=handlers) | ast.TryStar(handlers=handlers):
                    caught = any(self._catches(handler.type) for handler in handlers)
                    tried = tuple(self.found(node.body, at))
                    yield from (replace(one, optional=one.optional or caught) for one in tried)
                    yield from self._handlers(handlers, tried, at)
                    yield from self.found([*node.orelse, *node.finalbody], at)
                case ast.With(items=items) if any(self._suppresses(item) for item in items):
                    yield from self.found(items, at)
                    yield from self.found(node.body, replace(at, optional=True))
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                    yield from self.found(ast.iter_child_nodes(node), replace(at, late=True))
                case ast.Call(func=function, args=[ast.Constant(value=str(name)), *_]) if dotted(
                    function, self.names
                ) in _DYNAMIC and not name.startswith("."):
                    yield replace(at, module=name, line=node.lineno)
                case _:
                    yield from self.found(ast.iter_child_nodes(node), at)

    def _branches(self, node: ast.If, at: Import) -> Iterator[Import]:
        holds = truth(node.test, self.names, self.machine)
        yield from self.found([node.test], at)
        if holds is None and depends_on_machine(node.test, self.names):
            at = replace(at, optional=True)
        elif holds is None:
            at = replace(at, conditional=True)
        if holds is not False:
            yield from self.found(node.body, at)
        if holds is not True:
            yield from self.found(node.orelse, at)

    def _handlers(
        self, handlers: Iterable[ast.ExceptHandler], tried: Iterable[Import], at: Import
    ) -> Iterator[Import]:
        """Yield what is imported instead of what was *tried*."""
        missed = frozenset(one.module for one in tried if not (one.late or one.optional))
        instead = replace(at, unless=(*at.unless, missed)) if missed else at
        for handler in handlers:
            yield from self.found([handler], instead if self._catches(handler.type) else at)

    def _suppresses(self, item: ast.withitem) -> bool:
        match item.context_expr:
            case ast.Call(func=function, args=caught):
                is_suppress = dotted(function, self.names).rpartition(".")[2] == "suppress"
                return is_suppress and any(self._catches(one) for one in caught)
            case _:
                return False

    def _catches(self, caught: ast.expr | None) -> bool:
        """Return whether an except clause takes an import that failed."""
        match caught:
            case None:
                return True
            case ast.Name() | ast.Attribute():
                return dotted(caught, self.names).rpartition(".")[2] in _CAUGHT
            case ast.Tuple(elts=several):
                return any(self._catches(one) for one in several)
            case _:
                return False


def _absolute(node: ast.ImportFrom, module: str) -> str:
    parents = module.split(".")[: -node.level] if node.level else []
    return ".".join([*parents, *([node.module] if node.module else [])])
