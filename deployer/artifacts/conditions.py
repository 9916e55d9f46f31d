"""Conditions that the target alone decides: which Python runs a module, and on which system."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_Version = tuple[int, int]
_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda one, several: one in several,
    ast.NotIn: lambda one, several: one not in several,
}
_METHODS = {"startswith", "endswith", "lower", "upper"}
# What a module asks before it imports what may be missing.
_ASKED = ("sys.version_info", "sys.platform", "sys.implementation", "os.name", "sys.hexversion")
_CALLED = ("find_spec", "platform.system", "platform.python_implementation")


class _UnknownError(Exception):
    """The value is known only at run time."""


class _FullVersion(tuple[int, int]):
    """sys.version_info, of which the first two numbers are known."""

    __slots__ = ()


@dataclass(frozen=True)
class Machine:
    """What is known of where a module runs: Python's version, and sys.platform."""

    python: _Version | None = None
    platform: str = ""


def truth(test: ast.expr, names: Mapping[str, str], machine: Machine) -> bool | None:
    """Return whether *test* holds on *machine*, or None where only a run can say.

    *names* are what modules and their members are called in this file, see `dotted`.
    """
    match test:
        case ast.BoolOp(op=op, values=values):
            known = [truth(value, names, machine) for value in values]
            decisive = isinstance(op, ast.Or)
            if decisive in known:
                return decisive
            return None if None in known else not decisive
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = truth(operand, names, machine)
            return None if inner is None else not inner
    try:
        return bool(_Evaluation(names, machine).value(test))
    except (_UnknownError, TypeError, ValueError, LookupError):
        return None


def depends_on_machine(test: ast.expr, names: Mapping[str, str]) -> bool:
    """Return whether *test* asks for Python's version, the system, or what is installed."""
    asked = {
        dotted(node, names) for node in ast.walk(test) if isinstance(node, ast.Name | ast.Attribute)
    }
    return any(name in _ASKED or name.endswith(_CALLED) for name in asked)


def dotted(node: ast.expr, names: Mapping[str, str]) -> str:
    """Return the full name of a variable or attribute, such as sys.version_info; else nothing."""
    match node:
        case ast.Name(id=name):
            return names.get(name, name)
        case ast.Attribute(value=value, attr=attr):
            return f"{dotted(value, names)}.{attr}"
        case _:
            return ""


@dataclass(frozen=True)
class _Evaluation:
    names: Mapping[str, str]
    machine: Machine

    def value(self, node: ast.expr) -> Any:
        """Return the value of *node*; raise _UnknownError if only a run can say."""
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Tuple(elts=several) | ast.List(elts=several) | ast.Set(elts=several):
                return tuple(self.value(one) for one in several)
            case ast.Compare(left=left, ops=ops, comparators=others):
                values = [self.value(one) for one in (left, *others)]
                pairs = zip(values, ops, values[1:], strict=False)
                return all(_compare(one, op, other) for one, op, other in pairs)
            case ast.Subscript(value=of, slice=index):
                return self._item(self.value(of), index)
            case ast.Call(func=ast.Attribute(value=of, attr=method), args=arguments) if (
                method in _METHODS
            ):
                return self._call(self.value(of), method, [self.value(one) for one in arguments])
            case ast.Call(func=function, args=[]):
                return self._named(f"{dotted(function, self.names)}()")
            case ast.Name() | ast.Attribute():
                return self._named(dotted(node, self.names))
            case _:
                raise _UnknownError

    def _named(self, name: str) -> Any:
        if name.rpartition(".")[2] == "TYPE_CHECKING":
            return False
        python, platform = self.machine.python, self.machine.platform
        known: dict[str, Any] = {}
        if python:
            known |= {
                "sys.version_info": _FullVersion(python),
                "sys.version_info.major": python[0],
                "sys.version_info.minor": python[1],
                "sys.implementation.name": "cpython",
                "platform.python_implementation()": "CPython",
            }
        if platform:
            known |= {
                "sys.platform": platform,
                "os.name": "posix",
                "platform.system()": platform.capitalize(),
            }
        if name not in known:
            raise _UnknownError
        return known[name]

    def _item(self, of: Any, index: ast.expr) -> Any:
        if isinstance(index, ast.Slice):
            bounds = [
                None if one is None else self.value(one) for one in (index.lower, index.upper)
            ]
            if isinstance(of, _FullVersion) and (
                bounds[1] is None or not 0 <= bounds[1] <= len(of)
            ):
                raise _UnknownError
            return tuple(of)[bounds[0] : bounds[1]] if isinstance(of, tuple) else of[slice(*bounds)]
        position = self.value(index)
        if isinstance(of, _FullVersion) and position < 0:
            raise _UnknownError
        return of[position]

    def _call(self, of: Any, method: str, arguments: list[Any]) -> Any:
        if not isinstance(of, str):
            raise _UnknownError
        return getattr(of, method)(*arguments)


def _compare(one: Any, op: ast.cmpop, other: Any) -> bool:
    return _COMPARE[type(op)](_comparable(one, other), _comparable(other, one))


def _comparable(one: Any, other: Any) -> Any:
    """Return sys.version_info as it compares with *other*, which may ask for more than is known."""
    if not isinstance(one, _FullVersion):
        return one
    if not isinstance(other, tuple) or (other[: len(one)] == tuple(one) and len(other) > len(one)):
        raise _UnknownError
    return (*one, 0)  # It has more numbers than the two: (3, 13) < sys.version_info.
