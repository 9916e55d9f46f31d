"""A task as we write it: a deployer error is told in two lines, an interrupt ends with 130."""

from __future__ import annotations

import functools
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn, ParamSpec

from invoke.exceptions import Exit
from invoke.tasks import task as invoke_task

P = ParamSpec("P")
INTERRUPTED = 130


def task(**options: Any) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """`invoke.task`, for functions that raise DeployError where an operator can help.

    Give every parameter a default: Invoke runs a task whose parameter has none on `--help`.
    """

    def decorate(function: Callable[P, None]) -> Callable[P, None]:
        @functools.wraps(function)
        def told(*args: P.args, **kwargs: P.kwargs) -> None:
            from deployer.errors import DeployError

            signal.signal(signal.SIGTERM, _interrupt)
            try:
                function(*args, **kwargs)
            except DeployError as error:
                print(f"error: {error}", file=sys.stderr)
                raise Exit(code=error.code) from error
            except KeyboardInterrupt as interrupt:
                raise Exit(code=INTERRUPTED) from interrupt

        decorated: Callable[P, None] = invoke_task(**options)(told)
        return decorated

    return decorate


def _interrupt(*_signal: object) -> NoReturn:
    """What a pipeline that gives up sends is an interrupt, like Ctrl-C."""
    raise KeyboardInterrupt
