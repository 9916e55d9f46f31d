"""A proxy on loopback that passes AWS calls on and counts them by name."""

from __future__ import annotations

import http.client
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import emulator

_ACTION = re.compile(rb"(?:^|&)Action=(\w+)")
_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@contextmanager
def counted(endpoint: emulator.Endpoint) -> Iterator[tuple[str, Counter[str]]]:
    """A URL that answers like *endpoint*, and the calls made to it so far.

    Our own orders to the emulator are passed on, but are no calls to AWS.
    """
    calls: Counter[str] = Counter()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(urlsplit(endpoint.url).netloc, calls))
    emulator.allow(endpoint, hosts=[f"127.0.0.1:{server.server_port}"])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", calls
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(upstream: str, calls: Counter[str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if not self.path.startswith("/_emulator"):
                calls[_name(self, body)] += 1
            there = http.client.HTTPConnection(upstream, timeout=60)
            there.request(self.command, self.path, body, dict(self.headers))
            answer = there.getresponse()
            self._answer(answer, answer.read())
            there.close()

        def _answer(self, answer: http.client.HTTPResponse, body: bytes) -> None:
            self.send_response_only(answer.status)  # Date and Server are the other's.
            for name, value in answer.getheaders():
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _pass  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def _name(request: BaseHTTPRequestHandler, body: bytes) -> str:
    """What AWS calls the request: the query protocol says it in the body, JSON in a header."""
    if action := _ACTION.search(body):
        return action[1].decode()
    target = request.headers.get("X-Amz-Target", "")
    return target.rpartition(".")[2] or f"{request.command} {request.path}"
