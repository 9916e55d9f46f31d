"""Find the imports of a source file, without executing it."""

from __future__ import annotations

import ast
import functools
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from deployer.artifacts.conditions import Machine, depends_on_machine, dotted, truth

_IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
_IMPORT_FUNCTIONS = {"importlib.import_module", "__import__", "builtins.__import__"}

# Before Python 3.12, ast.parse fails with "SystemError: AST constructor recursion depth mismatch" if
# another call runs concurrently: in another thread, or in a finalizer that formats a traceback.
# See github.com/python/cpython/issues/106905. So calls from here hold a lock, and are repeated if
# another call interfered.
_PARSE_LOCK = threading.Lock()
_ATTEMPTS = 5


@dataclass(frozen=True)
class Import:
    """`import module`, or `from module import names`.

    *optional* is True if a failure is caught, or if the import depends on a condition about the
    machine or installed modules; *conditional*, if it is in another `if` or `match`; *late*, if it is
    in a function, which may never be called. *unless* has groups of modules whose imports are tried
    first: this import is executed only if each group has a missing module.
    """

    module: str
    names: tuple[str, ...]
    line: int
    optional: bool = False
    conditional: bool = False
    late: bool = False
    unless: tuple[frozenset[str], ...] = ()

    def is_needed(self, is_available: Callable[[str], bool]) -> bool:
        """Return whether the import is executed and must succeed.

        *is_available* returns whether a module exists.
        """
        return not (self.optional or any(all(map(is_available, tried)) for tried in self.unless))


def parse(source: bytes) -> ast.Module:
    """Parse *source*, ignoring warnings; raise SyntaxError if it is not valid Python."""
    with _PARSE_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with limited_depth():
                return _parse(source, _ATTEMPTS)
        except (SyntaxError, ValueError) as error:  # ValueError: a null byte, in older Pythons.
            if isinstance(error, SyntaxError) and error.lineno:
                raise
            raise SyntaxError(str(error), (None, 1, None, None)) from error


@contextmanager
def limited_depth() -> Iterator[None]:
    """Raise SyntaxError for source that is nested too deeply to be parsed or searched."""
    try:
        yield
    except (RecursionError, MemoryError) as error:  # MemoryError: the stack of Python's parser.
        raise SyntaxError("is nested too deeply", (None, 1, None, None)) from error


def _parse(source: bytes, attempts: int) -> ast.Module:
    try:
        return ast.parse(source)
    except SystemError:
        if attempts == 1:
            raise
    return _parse(source, attempts - 1)


@functools.lru_cache(maxsize=4096)
def imports(source: bytes, module: str, machine: Machine = Machine()) -> tuple[Import, ...]:  # noqa: B008  # Frozen.
    """Return every import that *source* may execute on *machine*; raise SyntaxError.

    *module* is the dotted name of the source, the base of relative imports.
    """
    tree = parse(source)
    finder = _ImportFinder(module, machine, aliases(tree))
    with limited_depth():
        return tuple(finder.find(tree.body, Import("", (), 0)))


def aliases(tree: ast.Module) -> Mapping[str, str]:
    """Return the full names of imported modules and members, by their local names."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=modules):
                names |= {alias.asname: alias.name for alias in modules if alias.asname}
            case ast.ImportFrom(module=str(module), names=members, level=0):
                names |= {alias.asname or alias.name: f"{module}.{alias.name}" for alias in members}
    return names


@dataclass(frozen=True)
class _ImportFinder:
    module: str
    machine: Machine
    names: Mapping[str, str]

    def find(self, nodes: Iterable[ast.AST], at: Import) -> Iterator[Import]:
        """Yield the imports in *nodes*; *at* has the properties that they share."""
        for node in nodes:
            match node:
                case ast.Import(names=modules, lineno=line):
                    yield from (replace(at, module=alias.name, line=line) for alias in modules)
                case ast.ImportFrom(lineno=line):
                    names = tuple(alias.name for alias in node.names)
                    yield replace(at, module=_absolute(node, self.module), names=names, line=line)
                case ast.If() | ast.IfExp():
                    yield from self._branches(node, at)
                case ast.Match(subject=subject, cases=cases):
                    yield from self.find([subject], at)
                    yield from self.find(cases, self._conditional(subject, at))
                case ast.Try(handlers=handlers) | ast.TryStar(handlers=handlers):
                    caught = any(self._catches(handler.type) for handler in handlers)
                    tried = tuple(self.find(node.body, at))
                    yield from (replace(item, optional=item.optional or caught) for item in tried)
                    yield from self._handlers(handlers, tried, at)
                    yield from self.find([*node.orelse, *node.finalbody], at)
                case ast.With(items=items) if any(self._suppresses(item) for item in items):
                    yield from self.find(items, at)
                    yield from self.find(node.body, replace(at, optional=True))
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                    yield from self.find(ast.iter_child_nodes(node), replace(at, late=True))
                case ast.Call(func=function, args=[ast.Constant(value=str(name)), *_]) if dotted(
                    function, self.names
                ) in _IMPORT_FUNCTIONS and not name.startswith("."):
                    yield replace(at, module=name, line=node.lineno)
                case _:
                    yield from self.find(ast.iter_child_nodes(node), at)

    def _branches(self, node: ast.If | ast.IfExp, at: Import) -> Iterator[Import]:
        is_true = truth(node.test, self.names, self.machine)
        yield from self.find([node.test], at)
        if is_true is None:
            at = self._conditional(node.test, at)
        if is_true is not False:
            yield from self.find(_nodes(node.body), at)
        if is_true is not True:
            yield from self.find(_nodes(node.orelse), at)

    def _conditional(self, test: ast.expr, at: Import) -> Import:
        """Return the properties of imports whose execution depends on *test*."""
        if depends_on_machine(test, self.names):
            return replace(at, optional=True)
        return replace(at, conditional=True)

    def _handlers(
        self, handlers: Iterable[ast.ExceptHandler], tried: Iterable[Import], at: Import
    ) -> Iterator[Import]:
        """Yield the imports in handlers, which replace those that were *tried*."""
        tried_modules = frozenset(item.module for item in tried if not (item.late or item.optional))
        fallback = replace(at, unless=(*at.unless, tried_modules)) if tried_modules else at
        for handler in handlers:
            yield from self.find([handler], fallback if self._catches(handler.type) else at)

    def _suppresses(self, item: ast.withitem) -> bool:
        match item.context_expr:
            case ast.Call(func=function, args=caught):
                is_suppress = dotted(function, self.names).rpartition(".")[2] == "suppress"
                return is_suppress and any(self._catches(item) for item in caught)
            case _:
                return False

    def _catches(self, caught: ast.expr | None) -> bool:
        """Return whether an except clause catches a failed import."""
        match caught:
            case None:
                return True
            case ast.Name() | ast.Attribute():
                return dotted(caught, self.names).rpartition(".")[2] in _IMPORT_ERRORS
            case ast.Tuple(elts=items):
                return any(self._catches(item) for item in items)
            case _:
                return False


def _nodes(branch: Sequence[ast.stmt] | ast.expr) -> Sequence[ast.AST]:
    return [branch] if isinstance(branch, ast.expr) else branch


def _absolute(node: ast.ImportFrom, module: str) -> str:
    """Return the module that *node* imports from.

    A relative import from above the top-level package always fails, and keeps its leading periods.
    """
    parents = module.split(".")[: -node.level] if node.level else []
    if node.level and not parents:
        return "." * node.level + (node.module or "")
    return ".".join([*parents, *([node.module] if node.module else [])])
