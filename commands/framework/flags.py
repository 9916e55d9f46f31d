"""Make Invoke refuse what it would misread, and suggest what was probably meant.

Invoke reads `destroy --stack`, which a shell makes of `--stack $STACK` with an empty variable, as
no --stack at all, which means all stacks. It also reads the next flag as a value (`--stack --help`).
Its parser cannot be replaced from a tasks.py, so `install` replaces methods of the existing one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from invoke.exceptions import Exit, ParseError
from invoke.parser.context import to_flag
from invoke.parser.parser import ParseMachine, Parser
from invoke.program import Program

from commands.framework import streams, suggestions

_NUMBER = re.compile(r"-\d+")
_UNKNOWN = "No idea what "  # So begins Invoke's message about a word that it cannot place.
_CONFIG = Path(__file__).parents[2] / "config"
_HELP = "-h"
_INDENTED = "\n       "  # As wide as the word "error: ".


class _Value(str):
    """The value in `--flag=value`, to distinguish it from the next token."""

    __slots__ = ()


class _Token(str):
    """A token of the command line; `partition` returns the value of a flag as a `_Value`."""

    __slots__ = ()

    def partition(self, separator: str) -> tuple[str, str, str]:
        flag, equals, value = super().partition(separator)
        return flag, equals, _Value(value)


def install() -> None:
    """Replace the parser's methods, once."""
    if hasattr(ParseMachine, "faults"):
        return
    setattr(ParseMachine, "faults", ())  # noqa: B010  # Not declared in its type.
    for owner, method in (
        (Parser, _parse_argv),
        (ParseMachine, _handle),
        (ParseMachine, _see_value),
        (ParseMachine, _see_positional_arg),
        (ParseMachine, _switch_to_flag),
        (ParseMachine, _complete_flag),
        (ParseMachine, _finish),
        (ParseMachine, _error),
        (Program, _parse_tasks),
        (Program, _parse_cleanup),
        (Program, _execute),
    ):
        name = method.__name__.removeprefix("_")
        setattr(owner, name, _wrapped(getattr(owner, name), method))


def _wrapped(own: Callable[..., Any], replacement: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return replacement(self, own, *args, **kwargs)

    return method


def _parse_argv(parser: Parser, own: Callable[..., Any], argv: list[str]) -> Any:
    return own(parser, [_Token(token) for token in argv])


def _handle(machine: Any, own: Callable[..., None], token: str) -> None:
    """Read the text after the = as the value of the flag, whatever it contains."""
    machine.token = token
    if isinstance(token, _Value) and machine.current_state != "unknown":
        machine.see_value(token)
    elif _is_short_core_flag(machine, token):
        machine.error(_UNKNOWN)
    else:
        own(machine, token)


def _is_short_core_flag(machine: Any, token: str) -> bool:
    """Return whether *token* follows a task that has no such flag, and Invoke itself has one.

    `-d` is --dry-run where a task has it: it must not be --debug, and so nothing, where none has.
    """
    return (
        bool(machine.context and machine.context.name)
        and len(token) == 2
        and token != _HELP
        and token in machine.initial.flags
        and token not in machine.context.flags
        and not machine.waiting_for_flag_value
        and not machine.context.missing_positional_args
    )


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
        _refuse(machine, f"{name}: needs a value, but {value} follows")
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
        again.raw_value = None  # Otherwise its value would be read as the next task.


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
    if message.startswith(_UNKNOWN):
        task = machine.context if machine.context and machine.context.name else None
        message = suggestions.unknown(machine.token, task, machine.contexts, _environments())
    # A flag that was refused may be the argument that is missing now.
    if not (machine.faults and "required positional" in message):
        machine.faults = (*machine.faults, message)
    _raise(machine)


def _environments() -> list[str]:
    return [file.stem for file in _CONFIG.glob("*.toml")]


def _parse_tasks(program: Program, own: Callable[..., None]) -> None:
    streams.fill()
    with _errors_printed():
        own(program)


def _parse_cleanup(program: Program, own: Callable[..., None]) -> None:
    """List tasks or show help; suggest a task where help is for one that is unknown."""
    with _errors_printed():
        asked, tasks = program.args.help.value, program.parser.contexts
        if isinstance(asked, str) and asked not in tasks:
            fact = suggestions.unknown(asked, None, tasks, ())
            raise ParseError(f"error: {fact}\nhint:  `invoke` lists the tasks")
        own(program)


@contextmanager
def _errors_printed() -> Iterator[None]:
    """Print what is wrong with the command line, so that a broken stream ends it like a task."""
    with streams.guarded():
        try:
            yield
        except ParseError as error:
            print(error, file=sys.stderr)
            raise Exit(code=1) from error


def _execute(program: Program, own: Callable[..., None]) -> None:
    with streams.guarded():
        own(program)


def _refuse(machine: Any, fault: str) -> None:
    machine.faults = (*machine.faults, fault)
    machine.flag = None


def _raise(machine: Any) -> NoReturn:
    context = machine.context
    task = getattr(context, "name", None)
    facts = (f"{task}: {fault}" if task else fault for fault in machine.faults)
    way_out = f"`./inv --help {task}` lists its flags" if task else "`./inv` lists the tasks"
    raise ParseError(f"error: {_INDENTED.join(facts)}\nhint:  {way_out}", context)
