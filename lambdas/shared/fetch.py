"""Gets a small document from a server that may be slow, down or not itself."""

from __future__ import annotations

import socket
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from queue import Empty, SimpleQueue
from threading import Event, Thread
from urllib.parse import urlsplit

from shared.jwks import FetchError

LIMIT_BYTES = 64 * 1024


def fetch_jwks(url: str, timeout: float) -> bytes:
    """The document at *url*, within *timeout* seconds from the look-up of the name to the last byte.

    A socket's own timeout begins anew with every byte, and the look-up has none at all. So a
    thread does the work, and is left to itself when the time is over. Redirects are refused.
    Raises FetchError.
    """
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    errand = _Errand(kind(parts.netloc, timeout=timeout), parts.path)
    errand.start()
    try:
        outcome = errand.outcome.get(timeout=timeout)
    except Empty:
        errand.give_up()
        raise FetchError(f"took longer than {timeout:g} s") from None
    if isinstance(outcome, OSError | HTTPException):
        raise FetchError(f"{type(outcome).__name__}: {outcome}"[:200]) from outcome
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


class _Errand(Thread):
    """One request; `outcome` gets its document, or what went wrong."""

    def __init__(self, connection: HTTPConnection, path: str) -> None:
        super().__init__(name="fetch", daemon=True)
        self.outcome: SimpleQueue[bytes | Exception] = SimpleQueue()
        self._connection = connection
        self._path = path
        self._socket: socket.socket | None = None
        self._given_up = Event()

    def run(self) -> None:
        try:
            self.outcome.put(self._document())
        except Exception as error:  # noqa: BLE001  # Raised where it is waited for.
            self.outcome.put(error)
        finally:
            self._connection.close()

    def give_up(self) -> None:
        """End the thread soon: what it reads from ends now, or once it is connected."""
        self._given_up.set()
        if self._socket:
            with suppress(OSError):  # It may be at its end already.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # also below TLS

    def _document(self) -> bytes:
        self._connection.connect()
        self._socket = self._connection.sock
        if self._given_up.is_set():
            raise TimeoutError
        self._connection.request("GET", self._path)
        # Closed here: else whoever keeps the error keeps the socket open.
        with self._connection.getresponse() as response:
            if response.status != 200:
                raise HTTPException(f"status {response.status}")
            document = response.read(LIMIT_BYTES + 1)
        if len(document) > LIMIT_BYTES:
            raise HTTPException(f"longer than {LIMIT_BYTES} bytes")
        return document
