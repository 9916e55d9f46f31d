"""Fetch a small document from a server that may be slow, unavailable or malicious."""

from __future__ import annotations

import io
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared.deadline import Cancellation, DeadlineError, within
from shared.jwks import FetchError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LIMIT_BYTES = 64 * 1024
TRANSFER_LIMIT_BYTES = 4 * LIMIT_BYTES  # Including headers and chunk sizes.


def fetch_document(url: str, timeout: float) -> bytes:
    """Return the document at *url*; *timeout* is in seconds, from the name lookup to the last byte.

    Redirects are refused. Raises FetchError.
    """
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.netloc, timeout=timeout)
    connection.response_class = _LimitedResponse
    try:
        return within(
            timeout, lambda cancel: _document(connection, parts.path, cancel), name="fetch"
        )
    except DeadlineError as late:
        raise FetchError(str(late)) from None
    # http.client raises ValueError for a chunk size that is negative or not a number.
    except (OSError, HTTPException, ValueError) as error:
        raise FetchError(f"{type(error).__name__}: {error}"[:200]) from error


class _LimitedResponse(HTTPResponse):
    """A response of limited length, whatever length it declares.

    http.client reads a chunk of size -1 without any limit.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fp = io.BufferedReader(_LimitedReader(self.fp))


class _LimitedReader(io.RawIOBase):
    """The data of *reader*, up to TRANSFER_LIMIT_BYTES; more is an error."""

    def __init__(self, reader: io.BufferedReader) -> None:
        self._reader = reader
        self._remaining = TRANSFER_LIMIT_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        read = self._reader.readinto1(buffer)
        self._remaining -= read
        if self._remaining < 0:
            raise HTTPException(f"longer than {TRANSFER_LIMIT_BYTES} bytes")
        return read

    def close(self) -> None:
        self._reader.close()
        super().close()


def _document(connection: HTTPConnection, path: str, cancellation: Cancellation) -> bytes:
    with closing(connection):
        connection.connect()
        cancellation.watch(connection.sock.fileno())
        try:
            return _response(connection, path)
        finally:
            cancellation.release()


def _response(connection: HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    # Closed here: otherwise a reference to the error keeps the socket open.
    with connection.getresponse() as response:
        if response.status != 200:
            raise HTTPException(f"status {response.status}")
        document = response.read(LIMIT_BYTES + 1)
    if len(document) > LIMIT_BYTES:
        raise HTTPException(f"longer than {LIMIT_BYTES} bytes")
    return document
