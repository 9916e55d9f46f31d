"""A local HTTP server with the responses of a test, which records the requests.

    with Loopback() as there:
        there.on("DescribeStacks", error("Throttling", "Rate exceeded"), answer(Stacks=[]))
        …
        assert ["DescribeStacks", "DescribeStacks"] == there.actions

It implements the query protocol of CloudFormation and STS, and plain HTTP for S3.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape


@dataclass(frozen=True)
class Asked:
    """A request; *action* is the action of the query protocol, else the HTTP method."""

    action: str
    path: str
    headers: dict[str, str]
    form: dict[str, str]


@dataclass(frozen=True)
class Answer:
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


RESULT = "ACTIONResult"  # Stands for the element that is named after the action.
HANG_UP = Answer(status=0)
NOT_SCRIPTED = Answer("The test did not say what to answer.", 400)


def answer(**result: Any) -> Answer:
    """Return a response of the query protocol: a dict becomes a structure, a list a list."""
    return Answer(f"<Response><{RESULT}>{_xml(result)}</{RESULT}></Response>")


def error(code: str, message: str, status: int = 400) -> Answer:
    """Return an error response of the query protocol."""
    told = _xml({"Error": {"Type": "Sender", "Code": code, "Message": message}})
    return Answer(f"<ErrorResponse>{told}<RequestId>r</RequestId></ErrorResponse>", status)


class Loopback:
    """The server; the last response of an action is repeated."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self._answers: dict[str, list[Answer]] = {}
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    @property
    def url(self) -> str:
        """Return the URL of the server."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def actions(self) -> list[str]:
        """Return the actions of the requests in order."""
        return [asked.action for asked in self.asked]

    def on(self, action: str, *answers: Answer) -> None:
        """Answer requests for *action* with these responses in order."""
        self._answers[action] = [*answers]

    def next(self, asked: Asked) -> Answer:
        """Record a request and return its response."""
        self.asked.append(asked)
        waiting = self._answers.get(asked.action, [NOT_SCRIPTED])
        chosen = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        self._over.wait(chosen.seconds)
        return replace(chosen, body=chosen.body.replace(RESULT, f"{asked.action}Result"))

    def __enter__(self) -> Self:
        """Start the server."""
        self._thread.start()
        return self
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server and its slow responses."""
        self._over.set()
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
            except OSError:  # Whoever asked did not wait for the answer.
                self.close_connection = True

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            queried = "x-www-form-urlencoded" in headers.get("content-type", "")
            form = dict(parse_qsl(body.decode(), keep_blank_values=True)) if queried else {}
            asked = Asked(form.get("Action", self.command), self.path, headers, form)
            self.send(loopback.next(asked))

        def send(self, chosen: Answer) -> None:
            if not chosen.status:
                self.close_connection = True
                return
            body = chosen.body.encode()
            self.send_response_only(chosen.status)
            for name, value in chosen.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

        do_GET = do_HEAD = do_POST = do_PUT = answer  # noqa: N815  # the names http.server looks for

    return Handler


def _xml(value: Any) -> str:
    match value:
        case dict():
            return "".join(f"<{key}>{_xml(each)}</{key}>" for key, each in value.items())
        case list():
            return "".join(f"<member>{_xml(each)}</member>" for each in value)
        case bool():
            return str(value).lower()
        case _:
            return escape(str(value))
