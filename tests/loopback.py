"""A local HTTP server with the responses of a test, which records the requests.

    with Loopback() as server:
        server.on("DescribeStacks", error("Throttling", "Rate exceeded"), response(Stacks=[]))
        …
        assert ["DescribeStacks", "DescribeStacks"] == server.actions

The server implements the query protocol of CloudFormation and STS, and plain HTTP for S3.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape


@dataclass(frozen=True)
class RecordedRequest:
    """A request; *action* is the action of the query protocol, or else the HTTP method."""

    action: str
    path: str
    headers: dict[str, str]
    form: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Response:
    """A response, sent after *seconds*. Status 0 closes the connection.

    By default, *headers* are those of AWS.
    """

    body: str = ""
    status: int = 200
    seconds: float = 0.0
    headers: tuple[tuple[str, str], ...] = (
        ("Content-Type", "text/xml"),
        ("x-amzn-RequestId", "r"),
    )


RESULT = "ACTIONResult"  # Replaced by the name of the action and "Result".
CLOSE_CONNECTION = Response(status=0)
NOT_SCRIPTED = Response("The test defines no response to this action.", 400)


def response(**result: Any) -> Response:
    """Return a response of the query protocol: a dict becomes a structure, a list a list."""
    return Response(f"<Response><{RESULT}>{_xml(result)}</{RESULT}></Response>")


def error(code: str, message: str, status: int = 400) -> Response:
    """Return an error response of the query protocol."""
    error_element = _xml({"Error": {"Type": "Sender", "Code": code, "Message": message}})
    return Response(
        f"<ErrorResponse>{error_element}<RequestId>r</RequestId></ErrorResponse>", status
    )


class Loopback:
    """The server; the last response of an action is repeated."""

    def __init__(self) -> None:
        self.requests: list[RecordedRequest] = []
        self.connections = 0
        self._responses: dict[str, list[Response]] = {}
        self._stopped = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def actions(self) -> list[str]:
        """The actions of the requests in order."""
        return [request.action for request in self.requests]

    def on(self, action: str, *responses: Response) -> None:
        """Respond to requests for *action* with *responses* in order; the last one is repeated."""
        self._responses[action] = [*responses]

    def next(self, request: RecordedRequest) -> Response:
        """Record a request and return its response."""
        self.requests.append(request)
        responses = self._responses.get(request.action, [NOT_SCRIPTED])
        response = responses.pop(0) if len(responses) > 1 else responses[0]
        self._stopped.wait(response.seconds)
        return replace(response, body=response.body.replace(RESULT, f"{request.action}Result"))

    def __enter__(self) -> Self:
        """Start the server."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server and its slow responses."""
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(loopback: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 20
        disable_nagle_algorithm = True

        def setup(self) -> None:
            loopback.connections += 1
            super().setup()

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except OSError:  # The client did not wait for the response.
                self.close_connection = True

        def respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            is_query = "x-www-form-urlencoded" in headers.get("content-type", "")
            form = dict(parse_qsl(body.decode(), keep_blank_values=True)) if is_query else {}
            request = RecordedRequest(
                form.get("Action", self.command), self.path, headers, form, body
            )
            self.send(loopback.next(request))

        def send(self, response: Response) -> None:
            if not response.status:
                self.close_connection = True
                return
            body = response.body.encode()
            self.send_response_only(response.status)
            for name, value in response.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

        do_GET = do_HEAD = do_POST = do_PUT = respond  # noqa: N815  # the names http.server looks for

    return Handler


def _xml(value: Any) -> str:
    match value:
        case dict():
            return "".join(f"<{key}>{_xml(child)}</{key}>" for key, child in value.items())
        case list():
            return "".join(f"<member>{_xml(item)}</member>" for item in value)
        case bool():
            return str(value).lower()
        case _:
            return escape(str(value))
