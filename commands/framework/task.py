"""Define tasks that print errors in two lines and exit with 130 when interrupted."""

from __future__ import annotations

import functools
import inspect
import logging
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, ParamSpec

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Task
from invoke.tasks import task as invoke_task

from commands.framework import flags
from commands.framework.terminal import escape
from deployer.errors import ConfigError, DeployError

flags.install()

P = ParamSpec("P")
INTERRUPTED = 130  # The exit code after an interrupt: 128 + SIGINT.
CHANGES = 2  # The exit code of a task that changes nothing, and finds that there are changes.
# The only short flags. Each has the same meaning in every task.
SHORT_FLAGS = {
    "confirm": "c",
    "dry-run": "d",
    "env": "e",
    "format": "f",
    "jobs": "j",
    "name": "n",
    "only": "o",
    "release": "r",
    "stack": "s",
    "timeout": "t",
    "user": "u",
    "verify": "v",
    "yes": "y",
}
ENV_HELP = "the environment: a file in config/ (default: $CRUDDUR_ENV, else local)"
# Sent when a pipeline is cancelled, and when a terminal is closed.
_TERMINATION_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class _Task(Task[Any]):
    """A task whose flags have the short names of SHORT_FLAGS, and no others."""

    def arg_opts(self, name: str, default: Any, taken_names: set[str]) -> dict[str, Any]:
        """Return Invoke's options of a parameter, with the short name of SHORT_FLAGS."""
        options = super().arg_opts(name, default, taken_names)
        long = options["names"][0]
        options["names"] = [long, *filter(None, [SHORT_FLAGS.get(long)])]
        return options


def task(**options: Any) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Decorate a task like `invoke.task`, and print each DeployError as an error with a hint.

    Give every parameter of a task a default: Invoke runs a task that has a parameter without a
    default even with `--help`. If the task has a parameter `env`, its help is added.
    """

    def decorate(function: Callable[P, None]) -> Callable[P, None]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> None:
            _install_signal_handlers()
            try:
                _refuse_ignored_arguments(args)
                function(*args, **kwargs)
            except DeployError as error:
                print(escape(f"error: {error}"), file=sys.stderr)
                _print_traceback(error)
                raise Exit(code=error.code) from error
            except Exit as error:  # Its cause has been printed already.
                _print_traceback(error.__cause__)
                raise
            except KeyboardInterrupt as interrupt:
                raise Exit(code=INTERRUPTED) from interrupt

        if "env" in inspect.signature(function).parameters:
            options["help"] = {"env": ENV_HELP} | options.get("help", {})
        decorated: Callable[P, None] = invoke_task(klass=_Task, **options)(run)
        return decorated

    return decorate


def _refuse_ignored_arguments(args: Sequence[object]) -> None:
    """Raise ConfigError for arguments that Invoke accepts and the tasks would ignore.

    These are `--dry` and everything after a lone `--`: `destroy --dry` and `destroy -- --stack=x`
    would delete every stack. Invoke reads both before it loads tasks.py, so the module `flags`
    cannot refuse them.
    """
    for context in (argument for argument in args if isinstance(argument, Context)):
        if context.remainder:
            raise ConfigError(
                f"-- {context.remainder}: no task accepts arguments after a lone --",
                hint="remove the --; pass a value that begins with - as --flag=value",
            )
        if context.config.run.dry:
            raise ConfigError(
                "--dry: has no effect on the tasks; nothing was done",
                hint="use ./inv plan, ./inv destroy --dry-run or ./inv site.sync --dry-run; "
                "unset INVOKE_RUN_DRY if it is set",
            )


def _print_traceback(error: BaseException | None) -> None:
    """Print the traceback of *error* if `--debug` was given, before or after the task."""
    is_debug = "--debug" in sys.argv or logging.getLogger("invoke").isEnabledFor(logging.DEBUG)
    if is_debug and error:
        traceback.print_exception(error)


def _install_signal_handlers() -> None:
    """Handle SIGTERM and SIGHUP like Ctrl-C, unless the parent process ignores them (nohup)."""
    for number in _TERMINATION_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(*_signal: object) -> NoReturn:
    """Raise KeyboardInterrupt, and ignore further signals while the task cleans up."""
    for number in _TERMINATION_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
