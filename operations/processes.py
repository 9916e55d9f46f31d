"""Other people's programs: one has the terminal until it ends, one works where no key reaches it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

from invoke.exceptions import Exit

KEYS = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP)  # Ctrl-C, Ctrl-\ and Ctrl-Z.
PATIENCE_SECONDS = 5.0


def environment(variables: Mapping[str, str], *, aws: bool = False) -> dict[str, str]:
    """Return the environment of a program: *variables*, and the safe variables of the task.

    libpq's variables could send a password to another server: a PGSERVICE overrides even the other
    variables. Only a program that calls *aws* gets AWS credentials.
    """
    dropped = ("PG",) if aws else ("AWS_", "PG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {**variables}


def at_terminal(command: Sequence[str], variables: Mapping[str, str], *, aws: bool = False) -> None:
    """Run *command* with the terminal; end the task with its exit code if it fails.

    Its environment is `environment` of *variables*.
    """
    with _deaf():
        process = subprocess.Popen(command, env=environment(variables, aws=aws))
        try:
            code = _ended(process)
        finally:
            _end(process, signal.SIGTERM)
    if code:
        raise Exit(code=code if code > 0 else 128 - code)  # As a shell tells of a signal.


@contextmanager
def behind(
    command: Sequence[str], variables: Mapping[str, str], said: IO[str], *, aws: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """Run *command* while the context is open, with its output in *said*; then interrupt it.

    Its environment is `environment` of *variables*.
    """
    process = subprocess.Popen(
        command,
        env=environment(variables, aws=aws),
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end(process, signal.SIGINT)


@contextmanager
def _deaf() -> Iterator[None]:
    """The keys are another's, though a terminal sends them to our whole group of processes.

    They are heard and nothing is done, since a child inherits what is ignored, and not what is
    heard. What our caller had ignored is left so, for both.
    """
    heard = [key for key in KEYS if signal.getsignal(key) is not signal.SIG_IGN]
    before = {key: signal.signal(key, lambda *_: None) for key in heard}
    try:
        yield
    finally:
        for key in heard:
            signal.signal(key, before[key])


def _ended(process: subprocess.Popen[bytes]) -> int:
    """What it ends with; when it stops, as psql does upon Ctrl-Z, we do as well.

    Or the shell would wait for us, and we for what nobody can bring back to the foreground. What
    takes Ctrl-Z for itself, as a shell far away, does not stop, so nor do we.
    """
    while True:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode
        os.kill(os.getpid(), signal.SIGSTOP)


def _end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """Have it end, if it has not: it is asked by a signal that it knows, and once."""
    process.send_signal(how)
    try:
        process.wait(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
