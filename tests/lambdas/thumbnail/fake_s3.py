"""An S3 in memory that responds to the HTTP requests of a real botocore client."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

_ERROR_BODY = "<Error><Code>{code}</Code><Message>{code} from the fake S3</Message></Error>"
_STORED_HEADERS = {"Content-Type", "Cache-Control"}


@dataclass(frozen=True)
class Object:
    """A stored object, with its headers."""

    content: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def version(self) -> str:
        return f'"{md5(self.content, usedforsecurity=False).hexdigest()}"'


@dataclass(frozen=True)
class Call:
    """A request that S3 received."""

    method: str
    bucket: str
    key: str


Fault = Callable[[AWSPreparedRequest], AWSResponse | None]


@dataclass
class FakeS3:
    """Buckets of the account *owner*; a request must name it as the expected owner.

    Each request takes the next of *faults*, whose response is returned; if it returns None, the
    request is processed normally.
    """

    owner: str
    objects: dict[tuple[str, str], Object] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @contextmanager
    def serving(self, client: Any) -> Iterator[FakeS3]:
        """Respond to the requests of *client*, a client of boto3, within the block."""
        client.meta.events.register_first("before-send.s3", self.respond)
        try:
            yield self
        finally:
            client.meta.events.unregister("before-send.s3", self.respond)

    def respond(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """Return the response to *request*."""
        url = urlsplit(request.url)
        call = Call(request.method, url.netloc.split(".s3.")[0], unquote(url.path[1:]))
        self.calls.append(call)
        if self.faults and (faulty := self.faults.pop(0)(request)):
            return faulty
        if request.headers.get("x-amz-expected-bucket-owner") != self.owner.encode():
            return error(403, "AccessDenied")(request)
        match call.method:
            case "PUT":
                return self._put(call, request)
            case "GET" | "HEAD":
                return self._get(call, request)
        raise AssertionError(f"unexpected request: {call}")

    def _put(self, call: Call, request: AWSPreparedRequest) -> AWSResponse:
        sent = request.body.read()  # One chunk: its length, its data, and a checksum.
        length = int(request.headers["x-amz-decoded-content-length"])
        content = sent[sent.index(b"\r\n") + 2 :][:length]
        headers = {
            name: value.decode()
            for name, value in request.headers.items()
            if name in _STORED_HEADERS
        }
        stored = self.objects[call.bucket, call.key] = Object(content, headers)
        return response(request, 200, {"ETag": stored.version})

    def _get(self, call: Call, request: AWSPreparedRequest) -> AWSResponse:
        stored = self.objects.get((call.bucket, call.key))
        if stored is None:
            return error(404, "NoSuchKey")(request)
        headers = {"ETag": stored.version, "Content-Length": str(len(stored.content))}
        return response(request, 200, headers, stored.content if call.method == "GET" else b"")


def error(status: int, code: str) -> Fault:
    """Return a fault: S3 responds with an error."""
    return lambda request: response(request, status, {}, _ERROR_BODY.format(code=code).encode())


def no_fault(_: AWSPreparedRequest) -> None:
    """Process the request normally."""


def call_first(action: Callable[[], object]) -> Fault:
    """Return a fault that calls *action* before the request is processed normally."""
    return lambda _: action() and None


def response(
    request: AWSPreparedRequest, status: int, headers: dict[str, str], body: bytes = b""
) -> AWSResponse:
    """Return a response to *request*, which has no body if that is a HEAD request."""
    raw = _RawResponse(b"" if request.method == "HEAD" else body)
    return AWSResponse(request.url, status, headers, raw)


class _RawResponse(io.BytesIO):
    """The part of urllib3's response that botocore uses."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()
