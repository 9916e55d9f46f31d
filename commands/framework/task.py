"""A task as we write it: a deployer error is told in two lines, an interrupt ends with 130."""

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
from commands.framework.terminal import shown

flags.install()

P = ParamSpec("P")
INTERRUPTED = 130
# The short flags there are, of which each means the same in every task that has it.
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
ENV = "the environment: a file in config/ (default: $CRUDDUR_ENV, else local)"
_ENOUGH = (signal.SIGTERM, signal.SIGHUP)  # A pipeline gives up; a terminal is closed.


class _Task(Task[Any]):
    """A task whose flags have the short names of SHORT_FLAGS, and no others."""

    def arg_opts(self, name: str, default: Any, taken_names: set[str]) -> dict[str, Any]:
        """Return what Invoke makes of a parameter, with our short name."""
        options = super().arg_opts(name, default, taken_names)
        long = options["names"][0]
        options["names"] = [long, *filter(None, [SHORT_FLAGS.get(long)])]
        return options


def task(**options: Any) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """`invoke.task`, for functions that raise DeployError where an operator can help.

    Give every parameter a default: Invoke runs a task whose parameter has none on `--help`. What
    `env` means need not be said each time.
    """

    def decorate(function: Callable[P, None]) -> Callable[P, None]:
        @functools.wraps(function)
        def told(*args: P.args, **kwargs: P.kwargs) -> None:
            from deployer.errors import DeployError

            _hear()
            try:
                _refuse_ignored(args)
                function(*args, **kwargs)
            except DeployError as error:
                print(shown(f"error: {error}"), file=sys.stderr)
                _show_traceback(error)
                raise Exit(code=error.code) from error
            except Exit as ended:  # Somebody has printed the error already.
                _show_traceback(ended.__cause__)
                raise
            except KeyboardInterrupt as interrupt:
                raise Exit(code=INTERRUPTED) from interrupt

        if "env" in inspect.signature(function).parameters:
            options["help"] = {"env": ENV} | options.get("help", {})
        decorated: Callable[P, None] = invoke_task(klass=_Task, **options)(told)
        return decorated

    return decorate


def _refuse_ignored(args: Sequence[object]) -> None:
    """Raise ConfigError for what Invoke takes and no task obeys: `--dry`, and anything after `--`.

    `destroy --dry` and `destroy -- --stack=x` would delete every stack. Invoke reads both before it
    loads a tasks.py, so `flags` cannot refuse them.
    """
    from deployer.errors import ConfigError

    for context in (each for each in args if isinstance(each, Context)):
        if context.remainder:
            raise ConfigError(
                f"-- {context.remainder}: no task takes anything after a lone --",
                hint="remove the --; a value that begins with - is given as --flag=value",
            )
        if context.config.run.dry:
            raise ConfigError(
                "--dry: has no effect on the tasks; nothing was done",
                hint="use ./inv plan, ./inv destroy --dry-run or ./inv site.sync --dry-run; "
                "unset INVOKE_RUN_DRY if that is set",
            )


def _show_traceback(error: BaseException | None) -> None:
    """Print how *error* came about, if `--debug` was given; Invoke takes it before a task, too."""
    debug = "--debug" in sys.argv or logging.getLogger("invoke").isEnabledFor(logging.DEBUG)
    if debug and error:
        traceback.print_exception(error)


def _hear() -> None:
    """Take what says that it is enough for an interrupt, like Ctrl-C.

    What our caller had ignored is left so: nohup is asked for where a terminal will be closed.
    """
    for one in _ENOUGH:
        if signal.getsignal(one) is not signal.SIG_IGN:
            signal.signal(one, _interrupt)


def _interrupt(*_signal: object) -> NoReturn:
    """Once: a terminal that is closed says so more than once, and we are putting things in order."""
    for one in _ENOUGH:
        signal.signal(one, signal.SIG_IGN)
    raise KeyboardInterrupt
