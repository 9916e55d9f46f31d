"""Sign requests like a client, and represent them as the server does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from emulator.access.request import Request

SECRET = "s" * 40
KEY = "123456789012"
REGION = "ca-central-1"


def received(method: str, url: str, headers: dict[str, str]) -> Request:
    """Return a request as the server receives it."""
    parts = urlsplit(url)
    all_headers = {"host": parts.netloc} | {name.lower(): value for name, value in headers.items()}
    path = parts.path or "/"
    return Request(method, unquote(path), path, parts.query, tuple(all_headers.items()))


def signed(
    method: str,
    url: str,
    *,
    service: str = "sts",
    body: bytes = b"",
    secret: str = SECRET,
    headers: dict[str, str] | None = None,
) -> Request:
    """Return a request that botocore has signed now, with the signature in a header."""
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    request = AWSRequest(method, url, data=body, headers=headers or {})
    signer(Credentials(KEY, secret), service, REGION).add_auth(request)
    return received(method, url, dict(request.headers.items()))


def presigned(method: str, url: str, *, seconds: int = 60, secret: str = SECRET) -> Request:
    """Return a request for an S3 URL that botocore has signed now."""
    request: Any = AWSRequest(method, url)
    S3SigV4QueryAuth(Credentials(KEY, secret), "s3", REGION, expires=seconds).add_auth(request)
    return received(method, request.url, {})


def now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


def encoded(path: str) -> str:
    """Return a path as a client sends it."""
    return quote(path, safe="/~")
