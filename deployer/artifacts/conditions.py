"""Evaluate conditions that depend only on the target: the Python version and the system."""

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
    ast.In: lambda item, container: item in container,
    ast.NotIn: lambda item, container: item not in container,
}
_METHODS = {"startswith", "endswith", "lower", "upper"}
# If a condition uses one of these, the imports in its branches need not be available in the zip.
_MACHINE_NAMES = (
    "sys.version_info",
    "sys.platform",
    "sys.implementation",
    "os.name",
    "sys.hexversion",
)
_MACHINE_FUNCTIONS = ("find_spec", "platform.system", "platform.python_implementation")


class _UnknownError(Exception):
    """The value is known only at run time."""


class _FullVersion(tuple[int, int]):
    """The value of sys.version_info, of which only the first two numbers are known."""

    __slots__ = ()


@dataclass(frozen=True)
class Machine:
    """The known properties of the machine that runs a module: Python version and sys.platform."""

    python: _Version | None = None
    platform: str = ""


def truth(test: ast.expr, names: Mapping[str, str], machine: Machine) -> bool | None:
    """Return whether *test* is true on *machine*, or None if that is known only at run time.

    *names* are the full names of imported modules and members by their local names, see `dotted`.
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
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]) if _is_main(left, right):
            return False  # Lambda imports every module.
    try:
        return bool(_Evaluation(names, machine).value(test))
    except (_UnknownError, TypeError, ValueError, LookupError):
        return None


def _is_main(left: ast.expr, right: ast.expr) -> bool:
    match (left, right):
        case (ast.Name(id="__name__"), ast.Constant(value="__main__")):
            return True
        case (ast.Constant(value="__main__"), ast.Name(id="__name__")):
            return True
        case _:
            return False


def depends_on_machine(test: ast.expr, names: Mapping[str, str]) -> bool:
    """Return whether *test* depends on the Python version, the system or installed modules."""
    used = {
        dotted(node, names) for node in ast.walk(test) if isinstance(node, ast.Name | ast.Attribute)
    }
    return any(name in _MACHINE_NAMES or name.endswith(_MACHINE_FUNCTIONS) for name in used)


def dotted(node: ast.expr, names: Mapping[str, str]) -> str:
    """Return the full name of a variable or attribute, such as sys.version_info; otherwise ""."""
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
        """Return the value of *node*; raise _UnknownError if it is known only at run time."""
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
                return tuple(self.value(item) for item in items)
            case ast.Compare(left=left, ops=ops, comparators=others):
                values = [self.value(operand) for operand in (left, *others)]
                pairs = zip(values, ops, values[1:], strict=False)
                return all(_compare(first, op, second) for first, op, second in pairs)
            case ast.Subscript(value=of, slice=index):
                return self._item(self.value(of), index)
            case ast.Call(func=ast.Attribute(value=of, attr=method), args=arguments) if (
                method in _METHODS
            ):
                return self._call(self.value(of), method, [self.value(item) for item in arguments])
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
                None if bound is None else self.value(bound) for bound in (index.lower, index.upper)
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
    """Return *one*; if it is sys.version_info, as a tuple that can be compared with *other*.

    Raise _UnknownError if *other* has more numbers than are known.
    """
    if not isinstance(one, _FullVersion):
        return one
    if not isinstance(other, tuple) or (other[: len(one)] == tuple(one) and len(other) > len(one)):
        raise _UnknownError
    return (*one, 0)  # sys.version_info has more than two numbers, so it is greater than (3, 13).
