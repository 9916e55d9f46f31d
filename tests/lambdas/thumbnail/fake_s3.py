"""An S3 in memory, behind a real botocore client: requests go in as bytes, answers come out so."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

ERROR = "<Error><Code>{code}</Code><Message>{code}, says S3.</Message></Error>"


@dataclass(frozen=True)
class Object:
    content: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def version(self) -> str:
        return f'"{md5(self.content, usedforsecurity=False).hexdigest()}"'


@dataclass(frozen=True)
class Call:
    method: str
    bucket: str
    key: str


Fault = Callable[[AWSPreparedRequest], AWSResponse | None]


@dataclass
class FakeS3:
    """Buckets of *owner*; whoever expects another owner, or says nothing of it, is refused.

    *faults* are asked first, each once, in turn; one that gives None lets the call go on.
    """

    owner: str
    objects: dict[tuple[str, str], Object] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @contextmanager
    def behind(self, client: Any) -> Iterator[FakeS3]:
        """Answer what *client* asks."""
        client.meta.events.register_first("before-send.s3", self.answer)
        try:
            yield self
        finally:
            client.meta.events.unregister("before-send.s3", self.answer)

    def answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
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
        raise AssertionError(f"nobody should {call}")

    def _put(self, call: Call, request: AWSPreparedRequest) -> AWSResponse:
        sent = request.body.read()  # One chunk: its length, itself, and a checksum behind it.
        length = int(request.headers["x-amz-decoded-content-length"])
        body = sent[sent.index(b"\r\n") + 2 :][:length]
        said = {name: value.decode() for name, value in request.headers.items() if name in _KEPT}
        kept = self.objects[call.bucket, call.key] = Object(body, said)
        return response(request, 200, {"ETag": kept.version})

    def _get(self, call: Call, request: AWSPreparedRequest) -> AWSResponse:
        found = self.objects.get((call.bucket, call.key))
        if found is None:
            return error(404, "NoSuchKey")(request)
        headers = {"ETag": found.version, "Content-Length": str(len(found.content))}
        return response(request, 200, headers, found.content if call.method == "GET" else b"")


_KEPT = {"Content-Type", "Cache-Control"}


def error(status: int, code: str) -> Fault:
    """S3 refuses."""
    return lambda request: response(request, status, {}, ERROR.format(code=code).encode())


def once(do: Callable[[], object]) -> Fault:
    """Something happens first; then S3 answers."""
    return lambda _: do() and None


def response(
    request: AWSPreparedRequest, status: int, headers: dict[str, str], body: bytes = b""
) -> AWSResponse:
    raw = _Raw(b"" if request.method == "HEAD" else body)
    return AWSResponse(request.url, status, headers, raw)


class _Raw(io.BytesIO):
    """What botocore has of urllib3's response."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()
