"""The body of a request: read once to verify it, then replayed for the application."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

from emulator.access.errors import RefusedError

if TYPE_CHECKING:
    from emulator.asgi_types import Message, Receive

_MAX_DRAINED_BYTES = 1024 * 1024


class DisconnectedError(Exception):
    """The client disconnected before its body was complete."""


class Body:
    """The body of one request, received with *receive*."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._parts: list[bytes] = []
        self._is_complete = self._is_replayed = False

    async def read(self, limit: int | None = None) -> bytes:
        """Return the whole body; raise RefusedError if it is longer than *limit*."""
        length = sum(map(len, self._parts))
        while not self._is_complete:
            length += await self._read_part()
            if limit is not None and length > limit:
                status = http.client.REQUEST_ENTITY_TOO_LARGE
                raise RefusedError(f"the body is longer than {limit} bytes", status=status)
        self._parts = [b"".join(self._parts)]
        return self._parts[0]

    async def drain(self) -> None:
        """Read and discard the rest, up to a limit, so that the client reads the response."""
        length = 0
        while not self._is_complete and length < _MAX_DRAINED_BYTES:
            try:
                length += await self._read_part()
            except DisconnectedError:
                return
            self._parts.clear()

    async def replay(self) -> Message:
        """Return the parts that were read, as one ASGI message; later calls receive new messages."""
        if self._parts and not self._is_replayed:
            self._is_replayed = True
            body = b"".join(self._parts)
            return {"type": "http.request", "body": body, "more_body": not self._is_complete}
        return await self._receive()

    async def _read_part(self) -> int:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise DisconnectedError
        part: bytes = message.get("body", b"")
        self._parts.append(part)
        self._is_complete = not message.get("more_body", False)
        return len(part)
