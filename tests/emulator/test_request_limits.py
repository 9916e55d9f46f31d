"""Bodies that are too large, too slow, or other than declared."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import botocore.exceptions
import pytest

from emulator import request_limits
from emulator.request_limits import BodyLimit, RequestLimits, body_limit
from tests.emulator_server import Aws

SIGNED = "AWS4-HMAC-SHA256 Credential=AKIA/20260101/ca-central-1/{}/aws4_request, Signature=0"


def scope(path: str = "/", query: bytes = b"", **headers: str) -> dict[str, Any]:
    """Return the ASGI scope of a request."""
    pairs = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    return {"type": "http", "path": path, "query_string": query, "headers": pairs}


@pytest.mark.parametrize(
    ("request_", "limit"),
    [
        (scope(), BodyLimit("", is_signed=False, max_bytes=request_limits.ANONYMOUS_BYTES)),
        (
            scope(authorization="Bearer eyJ"),
            BodyLimit("", is_signed=False, max_bytes=request_limits.ANONYMOUS_BYTES),
        ),
        (
            scope(authorization=SIGNED.format("s3")),
            BodyLimit("s3", is_signed=True, max_bytes=request_limits.OBJECT_BYTES),
        ),
        (
            scope(query=b"a=b&X-Amz-Signature=0"),
            BodyLimit("s3", is_signed=True, max_bytes=request_limits.OBJECT_BYTES),
        ),
        (
            scope("/2015-03-31/functions/f/invocations", authorization=SIGNED.format("lambda")),
            BodyLimit("lambda", is_signed=True, max_bytes=6_291_556),
        ),
        (
            scope("/2015-03-31/functions", authorization=SIGNED.format("lambda")),
            BodyLimit("lambda", is_signed=True, max_bytes=70_167_211),
        ),
        (
            scope(authorization=SIGNED.format("cloudformation")),
            BodyLimit("cloudformation", is_signed=True, max_bytes=1024 * 1024),
        ),
        (
            scope(authorization=SIGNED.format("dynamodb")),
            BodyLimit("dynamodb", is_signed=True, max_bytes=16 * 1024 * 1024),
        ),
    ],
)
def test_body_limit(request_: dict[str, Any], limit: BodyLimit) -> None:
    """A signed request has the limit of its service, and other requests a smaller one."""
    assert limit == body_limit(request_)


class ReadingApplication:
    """An application that reads the whole body."""

    def __init__(self) -> None:
        self.bytes_read = 0

    async def __call__(self, _: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            message = await receive()
            self.bytes_read += len(message["body"])
            more = message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"read"})


def respond(
    request: dict[str, Any], parts: Iterator[bytes], *, seconds: float = 0
) -> tuple[int, int]:
    """Return the status of the response to a body in parts, and the number of bytes read."""
    sent: list[dict[str, Any]] = []
    application = ReadingApplication()

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(seconds)
        part = next(parts, b"")
        return {"type": "http.request", "body": part, "more_body": bool(part)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(RequestLimits(application)(request, receive, send))
    return int(sent[0]["status"]), application.bytes_read


def endless() -> Iterator[bytes]:
    """Yield the parts of an endless body."""
    while True:
        yield b"x" * 65536


def test_endless_body() -> None:
    """An endless body is refused when it reaches the limit."""
    status, read = respond(scope(transfer_encoding="chunked"), endless())

    assert status == 413
    assert read <= request_limits.ANONYMOUS_BYTES


def test_content_length() -> None:
    """A body with a too large Content-Length is refused without being read."""
    assert respond(scope(content_length=str(600 * 1024**2)), endless()) == (413, 0)


def test_allowed_body() -> None:
    """A body within the limit is passed to the application completely."""
    assert respond(scope(content_length="3"), iter([b"a", b"bc"])) == (200, 3)


def test_slow_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that does not arrive in time is refused, even if its parts arrive regularly."""
    monkeypatch.setattr(request_limits, "ANONYMOUS_SECONDS", 0.2)

    status, _ = respond(scope(), iter([b"x"] * 1000), seconds=0.05)

    assert status == 408


def test_total_of_bodies(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body is refused while all bodies together are too large, and accepted afterwards."""
    monkeypatch.setattr(request_limits, "ANONYMOUS_TOTAL_BYTES", 1000)
    app = RequestLimits(ReadingApplication())
    statuses: list[int] = []

    async def send_body(size: int) -> None:
        parts = iter([b"x" * size, b""])

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(0)
            part = next(parts)
            return {"type": "http.request", "body": part, "more_body": bool(part)}

        async def send(message: dict[str, Any]) -> None:
            if "status" in message:
                statuses.append(int(message["status"]))

        await app(scope(), receive, send)

    async def send_three() -> None:
        await asyncio.gather(send_body(600), send_body(600))
        await send_body(600)

    asyncio.run(send_three())

    assert sorted(statuses[:2]) == [200, 503]
    assert statuses[2] == 200


def test_gzip_bomb() -> None:
    """A compressed body that would become too large is not decompressed."""
    RequestLimits(ReadingApplication())
    bomb = gzip.compress(b"x" * (20 * 1024 * 1024))
    small = gzip.compress(b"hello")

    decompress = request_limits.asgi.app._decompress_request_body

    assert bomb == decompress(bomb, {"content-encoding": "gzip"})
    assert small + bomb == decompress(small + bomb, {"content-encoding": "gzip"})
    assert decompress(small, {"content-encoding": "gzip"}) == b"hello"


def raw(aws: Aws, request: bytes) -> bytes:
    """Return the response to these bytes before the server closes the connection."""
    address = urlsplit(aws.endpoint.url)
    with closing(socket.create_connection((address.hostname, address.port), timeout=60)) as client:
        client.sendall(request)
        return b"".join(iter(lambda: client.recv(4096), b""))


def test_server_refuses_content_length(aws: Aws) -> None:
    """The server refuses 600 MB without a signature before they are sent."""
    head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {600 * 1024**2}\r\n\r\n"

    assert raw(aws, head.encode()).startswith(b"HTTP/1.1 413 ")


def test_server_refuses_chunked_body(aws: Aws) -> None:
    """The server refuses a chunked body when it becomes too large."""
    address = urlsplit(aws.endpoint.url)
    client = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with closing(client):
        client.putrequest("POST", "/")
        client.putheader("Transfer-Encoding", "chunked")
        client.endheaders()
        sent = 0
        try:
            while sent < 100 * 1024**2:
                client.send(chunk)
                sent += 65536
        except OSError:
            pass  # The server has closed the connection.

    assert sent < 2 * request_limits.ANONYMOUS_BYTES
    assert aws.cfn.describe_stacks()["Stacks"] == []


def test_headers(aws: Aws) -> None:
    """Headers that are too large together are refused."""
    headers = "".join(f"X-{number}: {'y' * 90}\r\n" for number in range(800))

    response = raw(aws, f"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode())

    assert response.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 "))


def test_incomplete_body(aws: Aws) -> None:
    """The server keeps working after a body that is shorter than its Content-Length."""
    address = urlsplit(aws.endpoint.url)
    with closing(socket.create_connection((address.hostname, address.port))) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nshort")

    assert aws.cfn.describe_stacks()["Stacks"] == []


def test_object_too_large(aws: Aws) -> None:
    """A too large S3 object is refused with the error of S3."""
    s3 = aws.client("s3")
    here = {"LocationConstraint": "ca-central-1"}
    s3.create_bucket(Bucket="large", CreateBucketConfiguration=here)
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "large", "Key": "k"})
    path = f"{urlsplit(url).path}?{urlsplit(url).query}"
    head = f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {10**9}\r\n\r\n"

    response = raw(aws, head.encode())

    assert response.startswith(b"HTTP/1.1 400 ")
    assert b"<Code>EntityTooLarge</Code>" in response


def test_request_too_large(aws: Aws) -> None:
    """An AWS client can parse the error of a too large request."""
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        aws.cfn.validate_template(TemplateBody="x" * 2 * 1024**2)

    assert refused.value.response["Error"]["Code"] == "RequestEntityTooLarge"


def test_incomplete_requests(aws: Aws) -> None:
    """Clients that do not complete their requests do not block others."""
    address = urlsplit(aws.endpoint.url)
    idle = [socket.create_connection((address.hostname, address.port)) for _ in range(50)]
    for client in idle:
        client.sendall(b"POST / HTTP/1.1\r\nHost: 127")

    assert aws.cfn.describe_stacks()["Stacks"] == []
    for client in idle:
        client.close()
