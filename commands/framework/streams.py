"""End a task quietly, with the usual exit code, when its output can no longer be written."""

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

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
BROKEN_PIPE = 141  # What a shell says of a program that ended by SIGPIPE: 128 + 13.


def fill() -> None:
    """Make standard input, output and error fit to be used: what is closed is opened.

    Python has no stream where a descriptor was closed (`>&-`), and the next file that is opened
    would get its number.
    """
    for name in ("stdin", "stdout", "stderr"):  # Each gets the lowest number that is free.
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115  # for good
    for stream in _streams():
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # What its encoding lacks ends nothing.


@contextmanager
def guarded() -> Iterator[None]:
    """Raise Exit quietly if standard output or error is a pipe whose reader has ended.

    That nothing can be written, as to a full disk, is told in a line if standard error works.
    """
    try:
        try:
            yield
        finally:
            _flush()
    except OSError as error:
        pipe = isinstance(error, BrokenPipeError) and any(map(_has_no_reader, _streams()))
        full = error.errno in _FULL and not error.filename
        if not (pipe or full):
            raise
        for stream in _streams():
            _silence_broken(stream)
        if full:
            with suppress(OSError):
                print(f"error: cannot write: {error.strerror}", file=sys.stderr, flush=True)
        raise Exit(code=BROKEN_PIPE if pipe else 1) from error


def _streams() -> tuple[TextIO, TextIO]:
    return sys.stdout, sys.stderr


def _flush() -> None:
    for stream in _streams():
        stream.flush()


def _has_no_reader(stream: TextIO) -> bool:
    """Return whether *stream* is a pipe that nobody reads, and not another one is what broke."""
    poll = select.poll()
    poll.register(stream.fileno(), select.POLLOUT)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def _silence_broken(stream: TextIO) -> None:
    """Send what *stream* holds and cannot write nowhere: Python would try again, and complain."""
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
