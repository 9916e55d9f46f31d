"""Bodies that are too large, too slow, or other than declared."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import socket
import time
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
    """A request as ASGI has it."""
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
    """The limit is the service's on AWS, and small without a signature."""
    assert limit == body_limit(request_)


class Reader:
    """An application that reads the whole body."""

    def __init__(self) -> None:
        self.bytes = 0

    async def __call__(self, _: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            message = await receive()
            self.bytes += len(message["body"])
            more = message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"read"})


def answer(
    request: dict[str, Any], parts: Iterator[bytes], *, seconds: float = 0
) -> tuple[int, int]:
    """The status of the answer to a body in parts, and how many bytes were read of it."""
    sent: list[dict[str, Any]] = []
    reader = Reader()

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(seconds)
        part = next(parts, b"")
        return {"type": "http.request", "body": part, "more_body": bool(part)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(RequestLimits(reader)(request, receive, send))
    return int(sent[0]["status"]), reader.bytes


def endless() -> Iterator[bytes]:
    """A body without end, whose parts are counted."""
    while True:
        yield b"x" * 65536


def test_endless_body() -> None:
    """It is read up to the limit, not to the end that never comes."""
    status, read = answer(scope(transfer_encoding="chunked"), endless())

    assert 413 == status
    assert read <= request_limits.ANONYMOUS_BYTES


def test_announced_body() -> None:
    """A body with a Content-Length that is too large is not read."""
    assert (413, 0) == answer(scope(content_length=str(600 * 1024**2)), endless())


def test_allowed_body() -> None:
    """A body within the limit arrives whole."""
    assert (200, 3) == answer(scope(content_length="3"), iter([b"a", b"bc"]))


def test_slow_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that trickles in is given up after a while, however regularly it trickles."""
    monkeypatch.setattr(request_limits, "ANONYMOUS_SECONDS", 0.2)

    status, _ = answer(scope(), iter([b"x"] * 1000), seconds=0.05)

    assert 408 == status


def test_many_bodies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies that are each allowed are refused when they hold too much together; then forgotten."""
    monkeypatch.setattr(request_limits, "ANONYMOUS_TOTAL_BYTES", 1000)
    app = RequestLimits(Reader())
    statuses: list[int] = []

    async def one(size: int) -> None:
        parts = iter([b"x" * size, b""])

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(0)
            part = next(parts)
            return {"type": "http.request", "body": part, "more_body": bool(part)}

        async def send(message: dict[str, Any]) -> None:
            if "status" in message:
                statuses.append(int(message["status"]))

        await app(scope(), receive, send)

    async def three() -> None:
        await asyncio.gather(one(600), one(600))
        await one(600)

    asyncio.run(three())

    assert [200, 503] == sorted(statuses[:2])
    assert 200 == statuses[2]


def test_gzip_bomb() -> None:
    """A small body that becomes a large one stays as it came."""
    RequestLimits(Reader())
    bomb = gzip.compress(b"x" * (20 * 1024 * 1024))
    small = gzip.compress(b"hello")

    inflate = request_limits.ministack.app._decompress_request_body

    assert bomb == inflate(bomb, {"content-encoding": "gzip"})
    assert small + bomb == inflate(small + bomb, {"content-encoding": "gzip"})
    assert b"hello" == inflate(small, {"content-encoding": "gzip"})


def raw(aws: Aws, request: bytes) -> bytes:
    """Return the response to these bytes before the server closes the connection."""
    address = urlsplit(aws.endpoint.url)
    with closing(socket.create_connection((address.hostname, address.port), timeout=20)) as client:
        client.sendall(request)
        return b"".join(iter(lambda: client.recv(4096), b""))


def test_announced_to_the_server(aws: Aws) -> None:
    """600 MB without a signature are refused before they are sent."""
    head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {600 * 1024**2}\r\n\r\n"

    assert raw(aws, head.encode()).startswith(b"HTTP/1.1 413 ")


def test_sent_to_the_server(aws: Aws) -> None:
    """A chunked body without a declared length is refused once it is too large."""
    address = urlsplit(aws.endpoint.url)
    client = http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)
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
            pass  # The server has ended the connection.

    assert sent < 2 * request_limits.ANONYMOUS_BYTES
    assert [] == aws.cfn.describe_stacks()["Stacks"]


def test_headers(aws: Aws) -> None:
    """Headers have a limit too."""
    many = "".join(f"X-{number}: {'y' * 90}\r\n" for number in range(800))

    said = raw(aws, f"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n{many}\r\n".encode())

    assert said.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 "))


def test_length_that_lies(aws: Aws) -> None:
    """A body that ends before its length is reached does no harm."""
    address = urlsplit(aws.endpoint.url)
    with closing(socket.create_connection((address.hostname, address.port))) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nshort")

    assert [] == aws.cfn.describe_stacks()["Stacks"]


def test_object_too_large(aws: Aws) -> None:
    """An object that is too large for one call gets S3's own error."""
    s3 = aws.client("s3")
    here = {"LocationConstraint": "ca-central-1"}
    s3.create_bucket(Bucket="large", CreateBucketConfiguration=here)
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "large", "Key": "k"})
    path = f"{urlsplit(url).path}?{urlsplit(url).query}"
    head = f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {10**9}\r\n\r\n"

    said = raw(aws, head.encode())

    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"<Code>EntityTooLarge</Code>" in said


def test_request_too_large(aws: Aws) -> None:
    """An AWS client can parse the error."""
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        aws.cfn.validate_template(TemplateBody="x" * 2 * 1024**2)

    assert "RequestEntityTooLarge" == refused.value.response["Error"]["Code"]


def test_start_of_a_request(aws: Aws) -> None:
    """Clients that never finish their request do not delay others."""
    address = urlsplit(aws.endpoint.url)
    idle = [socket.create_connection((address.hostname, address.port)) for _ in range(50)]
    for client in idle:
        client.sendall(b"POST / HTTP/1.1\r\nHost: 127")

    started = time.monotonic()
    assert [] == aws.cfn.describe_stacks()["Stacks"]
    assert time.monotonic() - started < 5
    for client in idle:
        client.close()
