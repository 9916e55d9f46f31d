"""A local proxy that forwards AWS calls and counts them by name."""

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
_CONNECTION_HEADERS = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@contextmanager
def counted(endpoint: emulator.Endpoint) -> Iterator[tuple[str, Counter[str]]]:
    """Yield the URL of a proxy to *endpoint*, and the number of calls by name.

    Requests to the emulator's own paths are forwarded, but not counted.
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

        def _forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if not self.path.startswith("/_emulator"):
                calls[_name(self, body)] += 1
            connection = http.client.HTTPConnection(upstream, timeout=60)
            connection.request(self.command, self.path, body, dict(self.headers))
            response = connection.getresponse()
            self._respond(response, response.read())
            connection.close()

        def _respond(self, response: http.client.HTTPResponse, body: bytes) -> None:
            self.send_response_only(response.status)  # Date and Server are forwarded.
            for name, value in response.getheaders():
                if name.lower() not in _CONNECTION_HEADERS:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _forward  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    return Handler


def _name(request: BaseHTTPRequestHandler, body: bytes) -> str:
    """Return the name of the call: in the body of the query protocol, in a header of the JSON one."""
    if action := _ACTION.search(body):
        return action[1].decode()
    target = request.headers.get("X-Amz-Target", "")
    return target.rpartition(".")[2] or f"{request.command} {request.path}"
