"""Limit the size of requests and the time that they may take to arrive.

`RequestLimits` wraps the whole application. MiniStack reads whole bodies, so a body is refused as
soon as it is known to be too large: by its Content-Length, or by the bytes received.
The limit depends on whether a request has a signature; the signature is not verified here.
Characters that XML does not allow are replaced in XML responses.
"""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from emulator import xml_characters
from emulator.ministack import asgi

if TYPE_CHECKING:
    from emulator.asgi_types import Asgi, Message, Receive, Scope, Send

_MB = 1024 * 1024
ANONYMOUS_BYTES = 10 * _MB  # API Gateway quotas: Payload size. Cognito's public API needs less.
OBJECT_BYTES = 256 * _MB  # S3 accepts 5 GB in one call; here a body is held in memory.
INVOKE_BYTES = 6_291_556  # Lambda quotas, Invocation payload.
_CODE_BYTES = 70_167_211  # A request that contains a zip of 50 MB.
_SIGNED_BYTES = 10 * _MB
_BYTES = {
    "cloudformation": _MB,
    "dynamodb": 16 * _MB,  # DynamoDB quotas, BatchWriteItem.
    "ecr": OBJECT_BYTES,
    "lambda": _CODE_BYTES,
    "s3": OBJECT_BYTES,
}
# The limit of all headers together; hypercorn limits incomplete headers to 16 KB.
_HEADER_BYTES = 64 * 1024
# Limits of the total of all bodies in memory.
ANONYMOUS_TOTAL_BYTES = 64 * _MB
SIGNED_TOTAL_BYTES = 1024 * _MB
ANONYMOUS_SECONDS = 30.0  # The time limit for a body to arrive.
SIGNED_SECONDS = 600.0

_CREDENTIAL = re.compile(r"Credential=[^/,\s]+/\d{8}/[^/,\s]+/([a-z0-9-]+)/aws4_request")
_SIGNED_QUERY = re.compile(rb"(?:^|&)(?:X-Amz-Signature|Signature)=", re.IGNORECASE)
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True)
class BodyLimit:
    """The limits of a request's body: its size, and the time that it may take to arrive."""

    service: str
    is_signed: bool
    max_bytes: int

    @property
    def seconds(self) -> float:
        """The time that the body may take to arrive."""
        return SIGNED_SECONDS if self.is_signed else ANONYMOUS_SECONDS

    @property
    def total_bytes(self) -> int:
        """The limit of the total of all signed bodies, or of all other bodies."""
        return SIGNED_TOTAL_BYTES if self.is_signed else ANONYMOUS_TOTAL_BYTES


class RequestLimits:
    """An ASGI application that applies the limits and calls *application*."""

    def __init__(self, application: Asgi) -> None:
        self._application = application
        self._held = {True: 0, False: 0}  # Bytes in memory: of signed requests, of others.
        asgi.decompress.around(_decompress)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request within its limits."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        limit = body_limit(scope)
        body = _Body(self._held, limit, receive)
        response = _Response(send)
        try:
            _check_headers(scope)
            body.check_length(_header(scope, b"content-length"))
            await self._application(scope, body.receive, response.send)
        except _RefusedError as refused:
            if not response.has_started:
                await _refuse(refused, limit, send)
        finally:
            body.release()


def body_limit(scope: Scope) -> BodyLimit:
    """Return the limits of a request, by its headers, path and query."""
    authorization = _header(scope, b"authorization")
    if match := _CREDENTIAL.search(authorization):
        service = match[1]
        if service == "lambda" and scope["path"].endswith("/invocations"):
            return BodyLimit(service, is_signed=True, max_bytes=INVOKE_BYTES)
        return BodyLimit(service, is_signed=True, max_bytes=_BYTES.get(service, _SIGNED_BYTES))
    if _SIGNED_QUERY.search(scope.get("query_string", b"")):
        return BodyLimit("s3", is_signed=True, max_bytes=OBJECT_BYTES)
    if authorization.startswith("Basic ") and scope["path"].startswith("/v2/"):  # Docker, to ECR.
        return BodyLimit("ecr", is_signed=True, max_bytes=OBJECT_BYTES)
    return BodyLimit("", is_signed=False, max_bytes=ANONYMOUS_BYTES)


def _check_headers(scope: Scope) -> None:
    if sum(len(name) + len(value) for name, value in scope.get("headers", [])) > _HEADER_BYTES:
        raise _RefusedError(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            "RequestHeaderSectionTooLarge",
            f"the headers are larger than {_HEADER_BYTES:,} bytes",
        )


class _RefusedError(Exception):
    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class _Body:
    """A request's body while it is received."""

    def __init__(self, held: dict[bool, int], limit: BodyLimit, receive: Receive) -> None:
        self._held = held
        self._limit = limit
        self._receive = receive
        self._bytes = 0
        self._is_complete = False
        self._deadline = asyncio.get_running_loop().time() + limit.seconds

    def check_length(self, content_length: str) -> None:
        """Raise _RefusedError if the Content-Length is too large."""
        if content_length.isdecimal() and int(content_length) > self._limit.max_bytes:
            raise self._too_large()

    async def receive(self) -> Message:
        """Receive the next part; raise _RefusedError if the body is too large or takes too long."""
        if self._is_complete:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise _RefusedError(
                HTTPStatus.REQUEST_TIMEOUT,
                "RequestTimeout",
                f"the body did not arrive within {self._limit.seconds:.0f} seconds",
            ) from None
        self._count(len(message.get("body", b"")))
        self._is_complete = not message.get("more_body", False)
        return message

    def release(self) -> None:
        """Subtract the body from the totals: its request is finished."""
        self._held[self._limit.is_signed] -= self._bytes
        self._bytes = 0

    def _count(self, received: int) -> None:
        self._bytes += received
        self._held[self._limit.is_signed] += received
        if self._bytes > self._limit.max_bytes:
            raise self._too_large()
        if self._held[self._limit.is_signed] > self._limit.total_bytes:
            raise _RefusedError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "SlowDown",
                f"requests hold more than {self._limit.total_bytes:,} bytes; try again",
            )

    def _too_large(self) -> _RefusedError:
        message = f"the body is larger than {self._limit.max_bytes:,} bytes"
        if self._limit.service == "s3":
            return _RefusedError(HTTPStatus.BAD_REQUEST, "EntityTooLarge", message)
        return _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestEntityTooLarge", message)


class _Response:
    """A response while it is sent."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._is_cleaned = False
        self.has_started = False

    async def send(self, message: Message) -> None:
        """Send a part; in XML replace characters that XML does not allow."""
        if message["type"] == "http.response.start":
            self.has_started = True
            self._is_cleaned = _is_generated_xml(message.get("headers", []))
        elif self._is_cleaned and message.get("body"):
            message = {**message, "body": xml_characters.clean_bytes(message["body"])}
        await self._send(message)


def _is_generated_xml(headers: list[tuple[bytes, bytes]]) -> bool:
    """Return whether a response is a service's own XML; objects have an ETag and are not changed."""
    values = {name.lower(): value for name, value in headers}
    return b"xml" in values.get(b"content-type", b"") and b"etag" not in values


async def _refuse(refused: _RefusedError, limit: BodyLimit, send: Send) -> None:
    """Respond in the service's format and close the connection without reading the rest."""
    if limit.service in {"s3", "cloudformation"}:
        content_type, body = b"application/xml", _xml(refused, limit.service)
    else:
        text = {"__type": refused.code, "message": refused.message}
        content_type, body = b"application/json", json.dumps(text)
    headers = [
        (b"content-type", content_type),
        (b"content-length", str(len(body.encode())).encode()),
        (b"connection", b"close"),
    ]
    with suppress(ConnectionError):
        await send({"type": "http.response.start", "status": refused.status, "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})


def _xml(refused: _RefusedError, service: str) -> str:
    error = f"<Code>{refused.code}</Code><Message>{escape(refused.message)}</Message>"
    if service == "s3":
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{error}</Error>'
    return f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>"


def _header(scope: Scope, name: bytes) -> str:
    for key, value in scope.get("headers", []):
        if key.lower() == name:
            return str(value.decode("latin-1"))
    return ""


def _decompress(decompress: Callable[[bytes, Any], bytes], body: bytes, headers: Any) -> bytes:
    """Do not decompress a body that would exceed the limit; the service then refuses it."""
    if "gzip" in headers.get("content-encoding", "").lower() and not _fits(body):
        return body
    return decompress(body, headers)


def _fits(body: bytes) -> bool:
    """Return whether a gzip file, of one or several members, is within the limit when decompressed."""
    remaining_bytes = _SIGNED_BYTES
    with suppress(zlib.error):  # MiniStack logs the error.
        while body and remaining_bytes > 0:
            decompressor = zlib.decompressobj(_GZIP)
            remaining_bytes -= len(decompressor.decompress(body, remaining_bytes))
            if decompressor.unconsumed_tail:
                return False
            body = decompressor.unused_data
    return remaining_bytes > 0
