"""Forward requests to targets as an Application Load Balancer does, over HTTP/1.1."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

import h11

CONNECT_SECONDS = 10  # A target that accepts no connection in this time causes a response 504.
READ_BYTES = 65_536
IDLE_CONNECTIONS = 32  # The maximum for each target.
_HOP_BY_HOP = {"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"}
_TITLES = {
    502: "502 Bad Gateway",
    503: "503 Service Temporarily Unavailable",
    504: "504 Gateway Time-out",
}

# The idle timeout of the load balancer that handles the current request, in seconds.
IDLE_SECONDS: ContextVar[float] = ContextVar("idle_seconds", default=60.0)

Headers = dict[str, Any]  # Values are strings, or lists of strings for repeated headers.


def error(status: int) -> tuple[int, Headers, bytes]:
    """Return a load balancer's own response: 502, 503 or 504."""
    title = _TITLES[status]
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
    headers = {
        "Server": "awselb/2.0",
        "Date": formatdate(usegmt=True),
        "Content-Type": "text/html",
    }
    return status, headers, page.encode()


class BadGatewayError(Exception):
    """The target refused the connection, closed it, or sent no valid response."""


class GatewayTimeoutError(Exception):
    """The target did not accept the connection or did not respond in time."""


@dataclass
class Connection:
    """A connection to a target, for one request at a time."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    state: h11.Connection = field(default_factory=lambda: h11.Connection(h11.CLIENT))

    @property
    def is_open(self) -> bool:
        """Whether the target has not closed the connection, as far as is known."""
        return not (self.reader.at_eof() or self.writer.is_closing())

    async def send(self, request: h11.Request, body: bytes) -> None:
        """Send a whole request."""
        data = self.state.send(request) or b""
        if body:
            data += self.state.send(h11.Data(data=body)) or b""
        data += self.state.send(h11.EndOfMessage()) or b""
        self.writer.write(data)
        await self.writer.drain()

    async def receive(self, seconds: float) -> Any:
        """Return the next event of the response; wait no longer than *seconds* for its bytes."""
        while (event := self.state.next_event()) is h11.NEED_DATA:
            data = await asyncio.wait_for(self.reader.read(READ_BYTES), seconds)
            self.state.receive_data(data)
        return event

    def close(self) -> None:
        """Close the connection without waiting."""
        with contextlib.suppress(Exception):
            self.writer.transport.abort()


class ConnectionPool:
    """The idle connections to one port of this machine."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[Connection] = []

    async def acquire(self) -> Connection:
        """Return an idle connection, or a new one."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
            connection.close()
        connecting = asyncio.open_connection("127.0.0.1", self._port)
        return Connection(*await asyncio.wait_for(connecting, CONNECT_SECONDS))

    def release(self, connection: Connection) -> None:
        """Keep a connection whose response is complete, unless the target closes it."""
        with contextlib.suppress(h11.LocalProtocolError):
            connection.state.start_next_cycle()
            if connection.is_open and len(self._idle) < IDLE_CONNECTIONS:
                self._idle.append(connection)
                return
        connection.close()


@dataclass
class Exchange:
    """A response whose status and headers were received; `body` receives the rest."""

    status: int
    headers: Headers
    _connection: Connection
    _pool: ConnectionPool
    _idle_seconds: float

    async def body(self) -> AsyncGenerator[bytes, None]:
        """Yield the parts of the body as they arrive; raise BadGatewayError if it is incomplete."""
        is_complete = False
        try:
            while True:
                event = await self._connection.receive(self._idle_seconds)
                if isinstance(event, h11.Data):
                    yield bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    is_complete = True
                    return
                else:
                    raise BadGatewayError("the target closed the connection")
        except (OSError, h11.RemoteProtocolError, TimeoutError) as problem:
            raise BadGatewayError(str(problem)) from problem
        finally:
            if is_complete:
                self._pool.release(self._connection)
            else:
                self._connection.close()

    def close(self) -> None:
        """Close the connection without receiving the rest of the response."""
        self._connection.close()


_pools: dict[int, ConnectionPool] = {}


@dataclass(frozen=True)
class Request:
    """A request to forward; *target* is its path and query as they were received."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    def head(self) -> h11.Request:
        """Return the request line and the headers for a target."""
        kept = [
            (name, value) for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP
        ]
        if self.body or self.method in {"POST", "PUT", "PATCH"}:
            kept.append(("content-length", str(len(self.body))))
        return h11.Request(method=self.method, target=self.target, headers=kept)


async def exchange(port: int, request: Request) -> Exchange:
    """Send a request to *port* of this machine, and return its response.

    Raise BadGatewayError or GatewayTimeoutError if there is no response.
    """
    idle_seconds = IDLE_SECONDS.get()
    pool = _pools.setdefault(port, ConnectionPool(port))
    try:
        connection = await pool.acquire()
    except TimeoutError as problem:
        raise GatewayTimeoutError("no connection") from problem
    except OSError as problem:
        raise BadGatewayError(str(problem)) from problem
    has_response = False
    try:
        await connection.send(request.head(), request.body)
        response = await _head(connection, idle_seconds)
        has_response = True
    except TimeoutError as problem:
        raise GatewayTimeoutError("no response") from problem
    except (OSError, h11.ProtocolError) as problem:
        raise BadGatewayError(str(problem)) from problem
    finally:
        if not has_response:
            connection.close()
    return Exchange(
        response.status_code, _response_headers(response), connection, pool, idle_seconds
    )


async def _head(connection: Connection, idle_seconds: float) -> h11.Response:
    """Return the head of the final response, after informational ones."""
    while True:
        event = await connection.receive(idle_seconds)
        if isinstance(event, h11.Response):
            return event
        if not isinstance(event, h11.InformationalResponse):
            raise BadGatewayError("the target closed the connection")


def _response_headers(response: h11.Response) -> Headers:
    """Return the headers for the client; the load balancer writes its own Date."""
    headers: Headers = {}
    for raw_name, raw_value in response.headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name in _HOP_BY_HOP - {"content-length"}:
            continue
        headers.setdefault(name, []).append(value)
    single = {name: values[0] if len(values) == 1 else values for name, values in headers.items()}
    return {**single, "date": formatdate(usegmt=True)}


async def stream(
    response: Exchange,
    send: Callable[[dict[str, Any]], Any],
    receive: Callable[[], Any],
) -> None:
    """Send the body of a response to a client as it arrives; stop when the client disconnects.

    If the target sends an incomplete body, no last message is sent, so that the client detects it.
    """
    body = response.body()
    disconnected = asyncio.ensure_future(_wait_for_disconnect(receive))
    try:
        while True:
            next_part = asyncio.ensure_future(anext(body, None))
            done, _ = await asyncio.wait(
                {next_part, disconnected}, return_when=asyncio.FIRST_COMPLETED
            )
            if next_part not in done:
                next_part.cancel()
                return
            if (part := next_part.result()) is None:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            await send({"type": "http.response.body", "body": part, "more_body": True})
    except BadGatewayError:
        return
    finally:
        disconnected.cancel()
        with contextlib.suppress(BaseException):
            await body.aclose()


async def _wait_for_disconnect(receive: Callable[[], Any]) -> None:
    while (await receive()).get("type") != "http.disconnect":
        pass
