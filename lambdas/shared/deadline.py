"""Ends the wait for a call that may never return.

Nothing interrupts the look-up of a name, and the time-outs of sockets begin anew with each byte. So
a thread makes the call, and is left to itself when the time is over.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import NoReturn, TypeVar

_T = TypeVar("_T")


class DeadlineError(Exception):
    """The call took longer than it may."""


class Cancellation:
    """Tells a call that nobody waits for it any longer."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._cancelled = False
        self._socket: int | None = None

    def watch(self, descriptor: int) -> None:
        """Have the socket of *descriptor* end when the time is over.

        Raises DeadlineError if it is over already.
        """
        with self._lock:
            if self._cancelled:
                raise DeadlineError
            self._socket = descriptor

    def release(self) -> None:
        """Forget the socket. Call it before the socket is closed: its number is given out anew."""
        with self._lock:
            self._socket = None

    def cancel(self) -> None:
        """End the thread soon: what it reads from ends now, or once it is connected."""
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
        except Exception as error:  # noqa: BLE001  # Raised where it is waited for.
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
    """Below TLS, too, and without closing: the thread does that."""
    try:
        with socket.socket(fileno=descriptor) as found:
            try:
                found.shutdown(socket.SHUT_RDWR)
            finally:
                found.detach()
    except OSError:  # It may be at its end already.
        return
