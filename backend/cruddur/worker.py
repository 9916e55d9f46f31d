"""The worker of gunicorn with threads, with a deadline for requests of slow clients.

In gunicorn, a thread waits for a body as long as the client sends a byte within the idle timeout of
the load balancer. So a few slow clients could occupy all threads.
"""

from __future__ import annotations

import errno
import socket
import time
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import TConn, ThreadWorker

from cruddur.limits import REQUEST_SECONDS


class DeadlineSocket:
    """A socket that receives no data after a deadline."""

    def __init__(self, wrapped: socket.socket) -> None:
        self._wrapped = wrapped
        self._deadline = 0.0

    def restart(self, seconds: float) -> None:
        """Set the deadline to *seconds* from now."""
        self._deadline = time.monotonic() + seconds

    def recv(self, size: int) -> bytes:
        """Receive up to *size* bytes. Raises ConnectionResetError after the deadline.

        gunicorn and Werkzeug treat this error as a client that closed the connection.
        """
        remaining = self._deadline - time.monotonic()
        timeout = self._wrapped.gettimeout()
        if remaining > 0:
            self._wrapped.settimeout(remaining if timeout is None else min(timeout, remaining))
            try:
                return self._wrapped.recv(size)
            except TimeoutError:
                pass
            finally:
                self._wrapped.settimeout(timeout)
        raise ConnectionResetError(errno.ECONNRESET, "the client is too slow")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """A worker whose threads wait for a request for at most REQUEST_SECONDS."""

    def handle(self, conn: TConn) -> object:
        """Handle the next request of a connection, in a thread."""
        if not isinstance(conn.sock, DeadlineSocket):
            conn.sock = DeadlineSocket(conn.sock)
        conn.sock.restart(REQUEST_SECONDS)
        return super().handle(conn)


class ServerLogger(Logger):  # type: ignore[misc]  # gunicorn.glogging has no annotations
    """The logger of gunicorn, without an access log: the application logs requests.

    gunicorn formats a line for each request if logging is configured, also if nothing prints it.
    """

    def access(self, *_request: object) -> None:
        """Format and log nothing."""
