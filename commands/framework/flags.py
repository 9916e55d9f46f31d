"""Make Invoke refuse flags that it would misread, and suggest corrections.

If the variable in `destroy --stack $STACK` is empty, Invoke runs `destroy` without --stack, which
means all stacks. It also reads the next flag as a value (`--stack --help`). A tasks.py cannot
replace Invoke's parser, so `install` replaces methods of the existing parser.
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
_UNKNOWN = "No idea what "  # The beginning of Invoke's message about an unknown word.
_CONFIG = Path(__file__).parents[2] / "config"
_HELP = "-h"
_INDENTED_LINE = "\n       "  # As wide as the word "error: ".


class _Value(str):
    """The value in `--flag=value`, as distinct from the next token."""

    __slots__ = ()


class _Token(str):
    """A token of the command line; `partition` returns the value of a flag as a `_Value`."""

    __slots__ = ()

    def partition(self, separator: str) -> tuple[str, str, str]:
        flag, equals, value = super().partition(separator)
        return flag, equals, _Value(value)


def install() -> None:
    """Replace methods of the parser. A second call has no effect."""
    if hasattr(ParseMachine, "problems"):
        return
    setattr(ParseMachine, "problems", ())  # noqa: B010  # not declared in its type
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


def _wrapped(original: Callable[..., Any], replacement: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return replacement(self, original, *args, **kwargs)

    return method


def _parse_argv(parser: Parser, original: Callable[..., Any], argv: list[str]) -> Any:
    return original(parser, [_Token(token) for token in argv])


def _handle(machine: Any, original: Callable[..., None], token: str) -> None:
    """Read the text after the = as the value of the flag, even if it looks like a flag or a task."""
    machine.token = token
    if isinstance(token, _Value) and machine.current_state != "unknown":
        machine.see_value(token)
    elif _is_short_core_flag(machine, token):
        machine.error(_UNKNOWN)
    else:
        original(machine, token)


def _is_short_core_flag(machine: Any, token: str) -> bool:
    """Return whether *token* is a short flag of Invoke itself that the current task lacks.

    `-d` means --dry-run in some tasks. In all other tasks Invoke would read it as --debug and run
    the task.
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


def _see_value(machine: Any, original: Callable[..., None], value: str) -> None:
    flag = machine.flag
    if flag is None:  # `_refuse` has reset it.
        return
    name = to_flag(flag.names[0])
    if not flag.takes_value:
        _refuse(machine, f"{name}={value}: the flag takes no value")
    elif not value.strip():
        _refuse(machine, f"{name}: the value is empty")
    elif _is_flag(value):
        _refuse(machine, f"{name}: needs a value, but {value} follows")
    else:
        try:
            original(machine, value)
        except ValueError:
            _refuse(machine, f"{name}={value}: not a whole number")


def _see_positional_arg(machine: Any, original: Callable[..., None], value: str) -> None:
    original(machine, value)
    if not value.strip():
        name = next(arg.name for arg in machine.context.positional_args if arg.value == value)
        machine.problems = (*machine.problems, f"{name}: is empty")


def _is_flag(value: str) -> bool:
    is_separate_token = not isinstance(value, _Value)
    return is_separate_token and value.startswith("-") and not _NUMBER.fullmatch(value)


def _switch_to_flag(
    machine: Any,
    original: Callable[..., None],
    flag: str,
    inverse: bool = False,
) -> None:
    original(machine, flag, inverse)
    current = machine.flag
    if current.takes_value and current.kind is not list and current.raw_value is not None:
        machine.problems = (*machine.problems, f"{to_flag(current.names[0])}: given more than once")
        current.raw_value = None  # Otherwise Invoke reads its value as the next task.


def _complete_flag(machine: Any, original: Callable[..., None]) -> None:
    flag = machine.flag
    if flag and flag.takes_value and not flag.optional and not machine.flag_got_value:
        _refuse(machine, f"{to_flag(flag.names[0])}: needs a value")
    else:
        original(machine)


def _finish(machine: Any, original: Callable[..., None]) -> None:
    original(machine)
    if machine.problems:
        _raise(machine)


def _error(machine: Any, _original: Callable[..., None], message: str) -> NoReturn:
    if message.startswith(_UNKNOWN):
        task = machine.context if machine.context and machine.context.name else None
        message = suggestions.unknown(machine.token, task, machine.contexts, _environments())
    # The missing positional argument may be a flag that was refused.
    if not (machine.problems and "required positional" in message):
        machine.problems = (*machine.problems, message)
    _raise(machine)


def _environments() -> list[str]:
    return [file.stem for file in _CONFIG.glob("*.toml")]


def _parse_tasks(program: Program, original: Callable[..., None]) -> None:
    streams.open_standard_streams()
    with _errors_printed():
        original(program)


def _parse_cleanup(program: Program, original: Callable[..., None]) -> None:
    """List the tasks or print help; suggest a task for `--help UNKNOWN`."""
    with _errors_printed():
        name, tasks = program.args.help.value, program.parser.contexts
        if isinstance(name, str) and name not in tasks:
            message = suggestions.unknown(name, None, tasks, ())
            raise ParseError(f"error: {message}\nhint:  run `./inv` to list the tasks")
        original(program)


@contextmanager
def _errors_printed() -> Iterator[None]:
    """Print errors of the command line; handle write errors as in a task."""
    with streams.handle_write_errors():
        try:
            yield
        except ParseError as error:
            print(error, file=sys.stderr)
            raise Exit(code=1) from error


def _execute(program: Program, original: Callable[..., None]) -> None:
    with streams.handle_write_errors():
        original(program)


def _refuse(machine: Any, problem: str) -> None:
    machine.problems = (*machine.problems, problem)
    machine.flag = None


def _raise(machine: Any) -> NoReturn:
    context = machine.context
    task = getattr(context, "name", None)
    facts = (f"{task}: {problem}" if task else problem for problem in machine.problems)
    command = f"`./inv --help {task}` to list its flags" if task else "`./inv` to list the tasks"
    raise ParseError(f"error: {_INDENTED_LINE.join(facts)}\nhint:  run {command}", context)
