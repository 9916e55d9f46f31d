"""Accept OpenTelemetry data (OTLP over HTTP) of tasks, and drop it.

On AWS the container `collector` of a task accepts the data on the task's loopback interface, and
exports it. The image of that container does not run here.
"""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 4318  # OTLP over HTTP.
_SIGNALS = ("/v1/traces", "/v1/metrics", "/v1/logs")
_MAX_BYTES = 16 * 1024 * 1024


class Collector:
    """A server for the OTLP requests of all tasks, on one free port."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever, daemon=True, name="otlp-collector"
        ).start()

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_POST(self) -> None:
        """Respond that all data was accepted."""
        length = 0
        with contextlib.suppress(ValueError):
            length = int(self.headers.get("Content-Length", "0"))
        is_valid = self.path in _SIGNALS and 0 <= length <= _MAX_BYTES
        if is_valid:
            self.rfile.read(length)
        else:
            self.close_connection = True
        kind = self.headers.get("Content-Type", "")
        # Without JSON the body is an empty message of protobuf, which has no bytes.
        body = b"{}" if kind.startswith("application/json") else b""
        self.send_response(200 if is_valid else 404)
        self.send_header("Content-Type", kind or "application/x-protobuf")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  The name is http.server's.
        """Log nothing: tasks send data every few seconds."""
