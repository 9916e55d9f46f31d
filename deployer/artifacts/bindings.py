"""Which names a module has after it was imported, read from its text."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from deployer.artifacts.conditions import Machine, truth
from deployer.artifacts.imports import aliases

# Where one of these is called or defined, a module can have names that its text does not show.
_MAKES_NAMES = {"globals", "vars", "locals", "exec", "setattr", "__getattr__", "modules"}


@dataclass(frozen=True)
class Bindings:
    """The *names* of a module; with *more*, it may have others as well."""

    names: frozenset[str]
    more: bool = False

    def __contains__(self, name: str) -> bool:
        """Return whether the module has, or may have, *name*."""
        return self.more or name in self.names


def bindings(tree: ast.Module, machine: Machine) -> Bindings:
    """Return what the statements of a module's own scope bind on *machine*."""
    names = set(_bound(tree.body, aliases(tree), machine))
    return Bindings(frozenset(names), more="*" in names or _makes_names(tree))


def _makes_names(tree: ast.Module) -> bool:
    """Return whether names come into the module by other ways than statements of its scope."""
    return any(
        isinstance(node, ast.Global)
        or (isinstance(node, ast.Name) and node.id in _MAKES_NAMES)
        or (isinstance(node, ast.Attribute) and node.attr in _MAKES_NAMES)
        or (isinstance(node, ast.FunctionDef) and node.name in _MAKES_NAMES)
        for node in ast.walk(tree)
    )


def _bound(nodes: Iterable[ast.AST], names: Mapping[str, str], machine: Machine) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.AsyncFunctionDef(name=name):
                yield name
            case ast.Import(names=modules):
                yield from (one.asname or one.name.partition(".")[0] for one in modules)
            case ast.ImportFrom(names=members):
                yield from (one.asname or one.name for one in members)
            case ast.AnnAssign(value=None) | ast.Lambda():
                continue  # An annotation alone binds nothing.
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                yield from _walrus(node)
            case ast.If(test=test):
                holds = truth(test, names, machine)
                yield from _bound([test], names, machine)
                yield from _bound(node.body if holds is not False else (), names, machine)
                yield from _bound(node.orelse if holds is not True else (), names, machine)
            case ast.Name(id=name, ctx=ast.Store()) | ast.MatchAs(name=str(name)):
                yield name
            case _:
                yield from _bound(ast.iter_child_nodes(node), names, machine)


def _walrus(comprehension: ast.AST) -> Iterator[str]:
    """A comprehension has a scope of its own, but for what `:=` binds."""
    for node in ast.walk(comprehension):
        match node:
            case ast.NamedExpr(target=ast.Name(id=name)):
                yield name
