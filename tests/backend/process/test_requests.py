"""Requests to a gunicorn with the settings of the image."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPResponse
from itertools import cycle
from pathlib import Path

import pytest

from cruddur import limits
from tests.backend.process.servers import ROOT, free_port, send_on, started

POST = {"message": "Hello", "ttl": "1-day"}
ORIGIN = {"Origin": "https://cruddur.example"}
JSON = {"Content-Type": "application/json", **ORIGIN}
HEALTH_CHECK = ROOT / "backend" / "bin" / "health-check"
LARGE = 5 * 1024 * 1024


def test_liveness_needs_no_database(server):
    """The path and the response of the health check are those of the original."""
    response = server.get("/api/health-check")

    assert (response.status, response.json) == (200, {"success": True, "ver": 1})


def test_connections_are_kept(server):
    """The load balancer sends many requests on one connection."""
    with closing(HTTPConnection("127.0.0.1", server.port)) as connection:
        send_on(connection, "GET", "/api/health-check")
        used = connection.sock
        send_on(connection, "GET", "/api/health-check")

        assert connection.sock is used


def test_a_bug_shows_no_internals(server):
    """There is no debugger, stack trace or message in the response, and both are in the log."""
    response = server.get("/broken", ORIGIN)

    assert response.status == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["access-control-allow-origin"] == ORIGIN["Origin"]
    assert response.json["detail"] == "The server has an error."
    [bug] = [line for line in server.lines() if "errors" in line]
    assert bug["errors"][0]["type"] == "ValueError"
    assert "a secret of the server" not in server.log.read_text()


@pytest.mark.parametrize("path", ["/console", "/?__debugger__=yes&cmd=resource&f=debugger.js"])
def test_there_is_no_debugger(server, path):
    """The paths of Werkzeug's debugger do not exist."""
    assert server.get(path).status == 404


def test_the_debugger_cannot_be_enabled(variables, tmp_path):
    """The server does not start with FLASK_DEBUG."""
    starting = started(tmp_path, **variables, FLASK_DEBUG="1")

    with pytest.raises(AssertionError, match="FLASK_DEBUG: is set"):
        starting.__enter__()


@pytest.mark.parametrize("chunked", [False, True], ids=["with length", "chunked"])
def test_a_large_body_is_refused(server, bearer, chunked):
    """At most the limit is read, and the response has the shape of all errors."""
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {LARGE}"
    chunk = b"1000\r\n" + b" " * 4096 + b"\r\n" if chunked else b" " * 4096
    with closing(socket.create_connection(("127.0.0.1", server.port))) as client:
        client.sendall(head("POST /api/activities", {**bearer, **JSON}, length))
        with suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(LARGE // 4096):
                client.sendall(chunk)
        response = HTTPResponse(client)
        response.begin()
        problem = json.loads(response.read())

    assert (response.status, problem["status"]) == (413, 413)
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]


def head(request_line: str, headers: dict[str, str], *more: str) -> bytes:
    """Return the beginning of a request, whose body follows."""
    lines = [
        f"{request_line} HTTP/1.1",
        "Host: x",
        *(f"{k}: {v}" for k, v in headers.items()),
        *more,
    ]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def test_a_chunked_body_within_the_limit_is_accepted(server, bearer):
    """Chunks are a valid form of a body."""
    response = server.send(
        "POST",
        "/api/activities",
        iter([b'{"message": "Hello", ', b'"ttl": "1-day"}']),
        {**bearer, **JSON},
        encode_chunked=True,
    )

    assert (response.status, response.json["message"]) == (200, "Hello")


def test_forwarded_headers_are_ignored(server):
    """A client cannot make the application build other addresses, or log another client."""
    response = server.get(
        "/api/health-check",
        {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1", "Script-Name": "/evil"},
    )

    assert response.status == 200
    assert "192.0.2.1" not in server.log.read_text()


def test_slow_clients_do_not_occupy_the_threads(variables, tmp_path, bearer):
    """A client that sends a byte from time to time loses its connection (slowloris)."""
    starts = [
        head("POST /api/activities", {**bearer, **JSON}, "Content-Length: 1000"),
        b"GET /api/health-check HTTP/1.1\r\nHost: x\r\n",
    ]
    one_worker = {"WEB_CONCURRENCY": "1", "TEST_REQUEST_SECONDS": "1"}
    with started(tmp_path, **variables, **one_worker) as server:
        clients = [
            socket.create_connection(("127.0.0.1", server.port))
            for _ in range(2 * limits.POOL_CONNECTIONS)
        ]
        for client, start in zip(clients, cycle(starts)):
            client.sendall(start)
        trickle(clients, seconds=2.5)  # Half of them wait for a thread first.

        assert server.get("/api/health-check").status == 200
    for client in clients:
        client.close()


def trickle(clients: list[socket.socket], seconds: float) -> None:
    """Send a byte to each client every 100 ms."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for client in clients:
            with suppress(BrokenPipeError, ConnectionResetError):
                client.sendall(b"x")
        time.sleep(0.1)


def test_headers_are_limited(server):
    """A request with a long line or header is refused before the application."""
    long = "x" * 9000

    statuses = [
        server.get(f"/api/activities/search?term={long}").status,
        server.get("/api/health-check", {"X-Long": long}).status,
    ]

    assert statuses == [414, 431]


def test_the_version_of_the_server_is_hidden(server):
    """No header has the version of the server, which would reveal known vulnerabilities."""
    assert not re.search(r"\d", server.get("/api/health-check").headers.get("server", ""))


def test_the_health_check_of_the_image(server):
    """The program exits with 0 only if the server answers its check."""
    codes = [health_check(port) for port in (server.port, free_port())]

    assert codes == [0, 1]


def health_check(port: int) -> int:
    """Run the program with the environment of a task; return its exit code."""
    environment = {"PORT": str(port), "PATH": f"{Path(sys.executable).parent}:{os.defpath}"}
    return subprocess.run([HEALTH_CHECK], env=environment, check=False).returncode
