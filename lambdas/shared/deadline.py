"""Limit the time of a call that may never return.

A name lookup cannot be interrupted, and the timeouts of sockets restart with each byte. So a thread
makes the call, and is abandoned at the deadline.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import NoReturn, TypeVar

_T = TypeVar("_T")


class DeadlineError(Exception):
    """The call took longer than allowed."""


class Cancellation:
    """Signals to a call that its result is no longer needed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._cancelled = False
        self._socket: int | None = None

    def watch(self, descriptor: int) -> None:
        """Shut down the socket of *descriptor* at the deadline.

        Raises DeadlineError if the deadline has passed.
        """
        with self._lock:
            if self._cancelled:
                raise DeadlineError
            self._socket = descriptor

    def release(self) -> None:
        """Stop watching the socket. Call this before closing it: its descriptor may be reused."""
        with self._lock:
            self._socket = None

    def cancel(self) -> None:
        """Make the thread end soon: shut down its socket now, or when it connects."""
        with self._lock:
            self._cancelled = True
            if self._socket is not None:
                _shut_down(self._socket)


def within(seconds: float, call: Callable[[Cancellation], _T], *, name: str) -> _T:
    """Return what *call* returns in a thread called *name*, and raise what it raises.

    Raises DeadlineError after *seconds*.
    """
    cancellation = Cancellation()
    outcome: SimpleQueue[Callable[[], _T]] = SimpleQueue()

    def run() -> None:
        try:
            result = call(cancellation)
        except Exception as error:  # noqa: BLE001  # Raised by the caller's thread.
            outcome.put(_raiser(error))
        else:
            outcome.put(lambda: result)

    Thread(target=run, name=name, daemon=True).start()
    try:
        finished = outcome.get(timeout=seconds)
    except Empty:
        cancellation.cancel()
        raise DeadlineError(f"took longer than {seconds:g} s") from None
    return finished()


def _raiser(error: Exception) -> Callable[[], NoReturn]:
    def finished() -> NoReturn:
        raise error

    return finished


def _shut_down(descriptor: int) -> None:
    """Shut down the connection below TLS, without closing the socket: the thread closes it."""
    try:
        with socket.socket(fileno=descriptor) as connection:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            finally:
                connection.detach()
    except OSError:  # It may be closed already.
        return
