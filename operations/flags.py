"""Make Invoke refuse a flag that lacks its value, has an empty one, or takes none.

Invoke takes `destroy --stack` for no stack named, which means all of them, as a shell writes it for
`--stack $STACK` with an empty variable. It also takes the next flag for a value (`--stack --help`).
Its parser cannot be replaced from a tasks.py, so `install` changes the methods of the one it has.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NoReturn

from invoke.exceptions import ParseError
from invoke.parser.context import to_flag
from invoke.parser.parser import ParseMachine, Parser

_NUMBER = re.compile(r"-\d+")
_INDENTED = "\n       "  # As far as the word "error: " goes.


class _Value(str):
    """The value in `--flag=value`, so that it is told from the next token."""

    __slots__ = ()


class _Token(str):
    """A token of the command line; a flag with a value comes apart as a flag and a `_Value`."""

    __slots__ = ()

    def partition(self, separator: str) -> tuple[str, str, str]:
        flag, equals, value = super().partition(separator)
        return flag, equals, _Value(value)


def install() -> None:
    """Change the parser, once."""
    if hasattr(ParseMachine, "faults"):
        return
    setattr(ParseMachine, "faults", ())  # noqa: B010  # Its type does not know it.
    for owner, method in (
        (Parser, _parse_argv),
        (ParseMachine, _handle),
        (ParseMachine, _see_value),
        (ParseMachine, _see_positional_arg),
        (ParseMachine, _switch_to_flag),
        (ParseMachine, _complete_flag),
        (ParseMachine, _finish),
        (ParseMachine, _error),
    ):
        name = method.__name__.removeprefix("_")
        setattr(owner, name, _over(getattr(owner, name), method))


def _over(own: Callable[..., Any], ours: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return ours(self, own, *args, **kwargs)

    return method


def _parse_argv(parser: Parser, own: Callable[..., Any], argv: list[str]) -> Any:
    return own(parser, [_Token(token) for token in argv])


def _handle(machine: Any, own: Callable[..., None], token: str) -> None:
    """Take what stands behind the = for the value of the flag, whatever it looks like."""
    if isinstance(token, _Value) and machine.current_state != "unknown":
        machine.see_value(token)
    else:
        own(machine, token)


def _see_value(machine: Any, own: Callable[..., None], value: str) -> None:
    flag = machine.flag
    if flag is None:  # It was refused.
        return
    name = to_flag(flag.names[0])
    if not flag.takes_value:
        _refuse(machine, f"{name}={value}: the flag takes no value")
    elif not value.strip():
        _refuse(machine, f"{name}: its value is empty")
    elif _is_flag(value):
        _refuse(machine, f"{name}: needs a value, and {value} follows")
    else:
        try:
            own(machine, value)
        except ValueError:
            _refuse(machine, f"{name}={value}: not a whole number")


def _see_positional_arg(machine: Any, own: Callable[..., None], value: str) -> None:
    own(machine, value)
    if not value.strip():
        name = next(arg.name for arg in machine.context.positional_args if arg.value == value)
        machine.faults = (*machine.faults, f"{name}: is empty")


def _is_flag(value: str) -> bool:
    is_next = not isinstance(value, _Value)
    return is_next and value.startswith("-") and not _NUMBER.fullmatch(value)


def _switch_to_flag(
    machine: Any,
    own: Callable[..., None],
    flag: str,
    inverse: bool = False,
) -> None:
    own(machine, flag, inverse)
    again = machine.flag
    if again.takes_value and again.kind is not list and again.raw_value is not None:
        machine.faults = (*machine.faults, f"{to_flag(again.names[0])}: given more than once")
        again.raw_value = None  # Or its value would be taken for the next task.


def _complete_flag(machine: Any, own: Callable[..., None]) -> None:
    flag = machine.flag
    lacks = flag and flag.takes_value and not flag.optional and not machine.flag_got_value
    if lacks:
        _refuse(machine, f"{to_flag(flag.names[0])}: needs a value")
    else:
        own(machine)


def _finish(machine: Any, own: Callable[..., None]) -> None:
    own(machine)
    if machine.faults:
        _raise(machine)


def _error(machine: Any, _own: Callable[..., None], message: str) -> NoReturn:
    # A flag that was refused may be the argument that is missing now.
    if not (machine.faults and "required positional" in message):
        machine.faults = (*machine.faults, message)
    _raise(machine)


def _refuse(machine: Any, fault: str) -> None:
    machine.faults = (*machine.faults, fault)
    machine.flag = None


def _raise(machine: Any) -> NoReturn:
    context = machine.context
    task = getattr(context, "name", None)
    facts = (f"{task}: {fault}" if task else fault for fault in machine.faults)
    way_out = f"`./inv --help {task}` lists its flags" if task else "`./inv` lists the tasks"
    raise ParseError(f"error: {_INDENTED.join(facts)}\nhint:  {way_out}", context)
