"""Fetching a document from slow, malicious or unavailable servers."""

from __future__ import annotations

import gc
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from shared.fetch import LIMIT_BYTES, TRANSFER_LIMIT_BYTES, fetch_document
from shared.jwks import FetchError
from tests.lambdas.access_tokens import (
    USUAL_KEYS,
)
from tests.lambdas.scripted_server import (
    OK,
    SILENCE,
    SLOW_BYTES,
    self_signed,
    serve,
)
from tests.lambdas.threads import has_ended

SHORT_TIMEOUT = 0.3  # Seconds; functions wait for three.
TIMED_OUT = "took longer|timed out"  # The deadline and the socket have the same timeout.


def with_length(length: int) -> bytes:
    """Return headers that declare this *length*."""
    return OK.replace(b"close\r\n", b"close\r\nContent-Length: %d\r\n" % length)


@pytest.mark.parametrize(
    "answer",
    [
        [OK + USUAL_KEYS],
        [with_length(len(USUAL_KEYS)), USUAL_KEYS],
        [OK, *(bytes([byte]) for byte in USUAL_KEYS)],
        [OK.replace(b"close", b"close\r\nTransfer-Encoding: chunked"), b"%x\r\n" % len(USUAL_KEYS), USUAL_KEYS, b"\r\n0\r\n\r\n"],
    ],
    ids=["until the end", "with its length", "in single bytes", "in chunks"],
)  # fmt: skip
def test_fetched(answer: Any) -> None:
    """A document is fetched, whichever way its length is declared."""
    with serve(answer) as server:
        assert fetch_document(f"{server.url}/pool/jwks.json", 3.0) == USUAL_KEYS

    assert server.requested_paths == ["/pool/jwks.json"]


CHUNKED = OK.replace(b"close", b"close\r\nTransfer-Encoding: chunked")

# Sent after a wrong length, so that the transfer ends at the limit and not at the end of the data.
FLOOD = b" " * (2 * TRANSFER_LIMIT_BYTES)
LONG_EXTENSIONS = b"1;" + b"x" * 65_000 + b"\r\n \r\n"  # A chunk of one byte.
TRAILERS = b"0\r\n" + b"X: x\r\n" * TRANSFER_LIMIT_BYTES
REDIRECT = b"HTTP/1.1 %s\r\nLocation: /elsewhere\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([REDIRECT % b"301 Moved Permanently"], "status 301"),
        ([REDIRECT % b"302 Found"], "status 302"),
        ([REDIRECT % b"307 Temporary Redirect"], "status 307"),
        ([OK.replace(b"200", b"404") + USUAL_KEYS], "status 404"),
        ([OK.replace(b"200", b"500")], "status 500"),
        ([OK + b" " * (LIMIT_BYTES + 1)], "longer than 65536 bytes"),
        ([with_length(10**9), b" " * (LIMIT_BYTES + 1)], "longer than 65536 bytes"),
        ([CHUNKED + b"-1\r\n", FLOOD], "longer than 262144 bytes"),
        ([CHUNKED + b"-1\r\n" + USUAL_KEYS], "IncompleteRead"),
        ([CHUNKED + b"-5\r\n" + USUAL_KEYS], "ValueError"),
        ([CHUNKED + b"five\r\n" + USUAL_KEYS], "IncompleteRead"),
        ([CHUNKED + b"\r\n" + USUAL_KEYS], "IncompleteRead"),
        ([CHUNKED + b"f" * 40 + b"\r\n", FLOOD], "longer than 65536 bytes"),
        ([CHUNKED + b"9" * 5000 + b"\r\n", FLOOD], "longer than 65536 bytes"),
        ([CHUNKED + b"1" * 70_000 + b"\r\n"], "more than 65536 bytes"),
        ([CHUNKED + LONG_EXTENSIONS * 5], "longer than 262144 bytes"),
        ([CHUNKED + TRAILERS], "longer than 262144 bytes"),
        ([CHUNKED, *[b"8\r\n        \r\n"] * 8193, b"0\r\n\r\n"], "longer than 65536 bytes"),
        ([OK.replace(b"close", b"close\r\nContent-Length: -5"), FLOOD], "longer than 65536 bytes"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" * 40_000], "longer than 262144 bytes"),
        ([OK, SLOW_BYTES], TIMED_OUT),
        ([with_length(10**6), SLOW_BYTES], TIMED_OUT),
        ([b"HTTP/1.1 200 OK\r\nX-Slow: ", SLOW_BYTES], TIMED_OUT),
        ([b"HTTP/1.1 ", SLOW_BYTES], TIMED_OUT),
        ([SILENCE], TIMED_OUT),
        ([OK, SILENCE], TIMED_OUT),
        ([], "closed connection|reset"),
        ([b"not HTTP at all\r\n\r\n"], "not HTTP at all"),
        ([OK.replace(b"close", b"close\r\nX: " + b"x" * 70_000)], "more than 65536 bytes"),
        ([OK.replace(b"close", b"close" + b"\r\nX: x" * 200)], "more than 100 headers"),
    ],
)  # fmt: skip
def test_not_fetched(answer: Any, reason: str) -> None:
    """Any invalid response is an error, the latest at the timeout; no thread or socket remains open."""
    timeout = SHORT_TIMEOUT if reason == TIMED_OUT else 20.0
    with serve(answer) as server:
        with pytest.raises(FetchError, match=reason) as raised:
            fetch_document(f"{server.url}/jwks.json", timeout)
        assert has_ended("fetch", seconds=20)
        assert connected(server.url) == [], f"while {raised.value!r} is referenced"

    assert server.requested_paths == ["/jwks.json"]


def test_no_server() -> None:
    """A refused connection is an error."""
    with serve([]) as server:
        pass  # After this block, no server listens on the port.

    with pytest.raises(FetchError, match="ConnectionRefusedError"):
        fetch_document(f"{server.url}/jwks.json", 3.0)


def test_an_untrusted_certificate(tmp_path: Path) -> None:
    """Nothing is requested from a server without a trusted certificate."""
    with (
        serve([OK + USUAL_KEYS], tls=self_signed(tmp_path)) as server,
        pytest.raises(FetchError, match="self-signed certificate"),
    ):
        fetch_document(f"{server.url}/jwks.json", 3.0)

    assert server.requested_paths == []


def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document is fetched over TLS with the same timeout."""
    tls = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "tls.pem"))

    with serve([OK + USUAL_KEYS], [OK, SLOW_BYTES], tls=tls) as server:
        assert fetch_document(f"{server.url}/jwks.json", 3.0) == USUAL_KEYS
        with pytest.raises(FetchError, match=TIMED_OUT):
            fetch_document(f"{server.url}/jwks.json", SHORT_TIMEOUT)
        assert has_ended("fetch", seconds=20)


def connected(url: str) -> list[socket.socket]:
    """Return the sockets of this process that are connected to *url*."""
    port = urlsplit(url).port
    sockets = [item for item in gc.get_objects() if isinstance(item, socket.socket)]
    return [item for item in sockets if _is_open(item) and _peer_port(item) == port]


def _is_open(item: socket.socket) -> bool:
    """Return whether *item* is an open internet socket: other fixtures may use Unix sockets."""
    return item.fileno() != -1 and item.family in {socket.AF_INET, socket.AF_INET6}


def _peer_port(item: socket.socket) -> int | None:
    try:
        return int(item.getpeername()[1])
    except OSError:  # A listening or disconnected socket.
        return None
