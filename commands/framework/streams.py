"""End a task without a traceback when its output cannot be written."""

from __future__ import annotations

import errno
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from invoke.exceptions import Exit

_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
BROKEN_PIPE = 141  # The exit code that a shell reports for SIGPIPE: 128 + 13.


def open_standard_streams() -> None:
    """Open standard input, output and error on /dev/null where they are closed.

    If a descriptor is closed (`>&-`), Python has no stream for it, and the next opened file would
    get its number. Characters that the encoding of an output does not have are printed as escapes.
    """
    for name in ("stdin", "stdout", "stderr"):  # Each gets the lowest free descriptor.
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115  # stays open
    for stream in _outputs():
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def handle_write_errors() -> Iterator[None]:
    """Raise Exit if standard output or error cannot be written.

    If the program that reads from a pipe has ended, nothing is printed. If the disk is full, one
    line is printed to standard error.
    """
    try:
        try:
            yield
        finally:
            _flush()
    except OSError as error:
        is_pipe = isinstance(error, BrokenPipeError) and any(map(_has_no_reader, _outputs()))
        is_disk = error.errno in _DISK_ERRORS and not error.filename
        if not (is_pipe or is_disk):
            raise
        for stream in _outputs():
            _discard_unwritten(stream)
        if is_disk:
            with suppress(OSError):
                print(f"error: cannot write: {error.strerror}", file=sys.stderr, flush=True)
        raise Exit(code=BROKEN_PIPE if is_pipe else 1) from error


def _outputs() -> tuple[TextIO, TextIO]:
    return sys.stdout, sys.stderr


def _flush() -> None:
    for stream in _outputs():
        stream.flush()


def _has_no_reader(stream: TextIO) -> bool:
    """Return whether *stream* is a pipe whose reader has ended.

    This distinguishes standard output and error from other pipes of the task.
    """
    poll = select.poll()
    poll.register(stream.fileno(), select.POLLOUT)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def _discard_unwritten(stream: TextIO) -> None:
    """Redirect *stream* to /dev/null if it cannot be flushed.

    At exit Python would try to write the rest again, and print an error.
    """
    try:
        stream.flush()
    except OSError:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, stream.fileno())
        os.close(devnull)
