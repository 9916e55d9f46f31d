"""Determine the names that a module defines, from its source text."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from deployer.artifacts.conditions import Machine, truth
from deployer.artifacts.imports import aliases, limited_depth

# A module that uses one of these can have names that are not visible in its text.
_DYNAMIC = {"globals", "vars", "locals", "exec", "setattr", "__getattr__", "modules"}


@dataclass(frozen=True)
class Bindings:
    """The *names* of a module; with *more*, the module may have other names as well."""

    names: frozenset[str]
    more: bool = False

    def __contains__(self, name: str) -> bool:
        """Return whether the module has, or may have, *name*."""
        return self.more or name in self.names


def bindings(tree: ast.Module, machine: Machine) -> Bindings:
    """Return the names that the top-level statements of a module bind on *machine*.

    Raise SyntaxError if they are nested too deeply.
    """
    with limited_depth():
        names = set(_bound(tree.body, aliases(tree), machine))
    return Bindings(frozenset(names), more="*" in names or _has_dynamic_names(tree))


def _has_dynamic_names(tree: ast.Module) -> bool:
    """Return whether the module may define names in other ways than by top-level statements."""
    return any(
        isinstance(node, ast.Global)
        or (isinstance(node, ast.Name) and node.id in _DYNAMIC)
        or (isinstance(node, ast.Attribute) and node.attr in _DYNAMIC)
        or (isinstance(node, ast.FunctionDef) and node.name in _DYNAMIC)
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
                yield from (alias.asname or alias.name.partition(".")[0] for alias in modules)
            case ast.ImportFrom(names=members):
                yield from (alias.asname or alias.name for alias in members)
            case ast.AnnAssign(value=None) | ast.Lambda():
                continue  # An annotation alone binds nothing.
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                yield from _assignment_expressions(node)
            case ast.If(test=test):
                is_true = truth(test, names, machine)
                yield from _bound([test], names, machine)
                yield from _bound(node.body if is_true is not False else (), names, machine)
                yield from _bound(node.orelse if is_true is not True else (), names, machine)
            case ast.Name(id=name, ctx=ast.Store()) | ast.MatchAs(name=str(name)):
                yield name
            case _:
                yield from _bound(ast.iter_child_nodes(node), names, machine)


def _assignment_expressions(comprehension: ast.AST) -> Iterator[str]:
    """Yield the names that `:=` binds in a comprehension; all other names in it are local."""
    for node in ast.walk(comprehension):
        match node:
            case ast.NamedExpr(target=ast.Name(id=name)):
                yield name
