"""Run other programs: interactively at the terminal, or in the background."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

KEYBOARD_SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP)  # Ctrl-C, Ctrl-\ and Ctrl-Z.
TERMINATION_TIMEOUT_SECONDS = 5.0


def environment(variables: Mapping[str, str], *, aws: bool = False) -> dict[str, str]:
    """Return the environment of a program: *variables*, and the safe variables of this process.

    Variables of libpq are not passed, because PGSERVICE could send a password to another server.
    AWS credentials are only passed with *aws*, to a program that calls AWS.
    """
    dropped = ("PG",) if aws else ("AWS_", "PG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {**variables}


def run_interactive(
    command: Sequence[str], variables: Mapping[str, str], *, aws: bool = False
) -> int:
    """Run *command* at the terminal and return its exit code, as a shell reports it.

    The signals of the keyboard reach the program only. `environment` returns its variables.
    """
    with _keyboard_signals_ignored():
        process = subprocess.Popen(command, env=environment(variables, aws=aws))
        try:
            code = _wait(process)
        finally:
            _terminate(process, signal.SIGTERM)
    return code if code >= 0 else 128 - code


@contextmanager
def run_in_background(
    command: Sequence[str], variables: Mapping[str, str], output: IO[str], *, aws: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """Run *command* until the context ends, then interrupt it; write what it prints to *output*.

    The program has its own session, so that Ctrl-C does not reach it. `environment` returns its
    variables.
    """
    process = subprocess.Popen(
        command,
        env=environment(variables, aws=aws),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _terminate(process, signal.SIGINT)


@contextmanager
def _keyboard_signals_ignored() -> Iterator[None]:
    """Ignore the signals of the keyboard, which a terminal sends to the whole process group.

    An empty handler is installed instead of SIG_IGN, because a child process would inherit SIG_IGN.
    Signals that this process ignores already stay ignored in it and in its child process.
    """
    handled = [key for key in KEYBOARD_SIGNALS if signal.getsignal(key) is not signal.SIG_IGN]
    previous = {key: signal.signal(key, lambda *_: None) for key in handled}
    try:
        yield
    finally:
        for key in handled:
            signal.signal(key, previous[key])


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Wait until *process* ends and return its exit code; stop this process whenever it is stopped.

    If Ctrl-Z stopped psql but not this process, the shell would show no prompt, and `fg` could not
    continue psql. In a remote shell Ctrl-Z is sent to the remote program, so neither is stopped.
    """
    while True:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode
        os.kill(os.getpid(), signal.SIGSTOP)


def _terminate(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send the signal *number* once; kill the process if it does not end in time."""
    process.send_signal(number)
    try:
        process.wait(timeout=TERMINATION_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
