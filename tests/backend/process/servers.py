"""A gunicorn with the settings of the image, which tests start, stop and kill."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.backend.environment import ENVIRONMENT

ROOT = Path(__file__).parents[3]
VARIABLES = {
    **ENVIRONMENT,
    "AWS_EC2_METADATA_DISABLED": "true",
    "OTEL_SERVICE_NAME": "backend-flask",
    "PYTHONPATH": f"{ROOT}:{ROOT / 'lambdas'}:{ROOT / 'backend'}",
    "PATH": os.defpath,
}


@dataclass(frozen=True)
class Response:
    """A response: its status, headers in lower case, and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """A running gunicorn on *port*, with its output in *log*."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process, self.port, self.log = process, port, log

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> Response:
        """Send a request on a new connection."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            return send_on(connection, method, path, body, headers, **options)

    def get(self, path: str, headers: dict[str, str] | None = None) -> Response:
        return self.send("GET", path, headers=headers)

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines of the log."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def workers(self) -> set[int]:
        """Return the process ids of the workers that were started."""
        return {
            int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", self.log.read_text())
        }

    def terminate(self) -> int:
        """Stop the server as ECS does, and return its exit code.

        ECS kills a container that does not end within its StopTimeout, which is longer.
        """
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def send_on(
    connection: HTTPConnection,
    method: str,
    path: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
    **options: Any,
) -> Response:
    """Send a request on *connection*; a *body* that is not bytes or an iterator is sent as JSON."""
    headers = dict(headers or {})
    if isinstance(body, dict):
        body, headers["Content-Type"] = json.dumps(body), "application/json"
    connection.request(method, path, body, headers, **options)
    response = connection.getresponse()
    found = {name.lower(): value for name, value in response.getheaders()}
    return Response(response.status, found, response.read())


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return listener.getsockname()[1]


@contextmanager
def started(folder: Path, **variables: str) -> Iterator[Server]:
    """Start a server with additional environment *variables*, wait until it responds, and end it."""
    port, log = free_port(), folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "--config", ROOT / "backend/gunicorn.conf.py"),
                "tests.backend.process.application:create()",
            ],
            cwd=folder,
            env={**VARIABLES, "PORT": str(port), **variables},
            stdout=output,
            stderr=output,
        )
    server = Server(process, port, log)
    try:
        eventually(lambda: server.get("/api/health-check").status == 200, server)
        yield server
    finally:
        process.kill()
        for worker in server.workers():
            if Path(f"/proc/{worker}").exists():
                os.kill(worker, signal.SIGKILL)
        process.wait(20)


def eventually(condition: Any, server: Server, seconds: float = 60) -> None:
    """Wait until *condition* is true; an OSError, such as a refused connection, counts as false."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except OSError:
            pass
        assert time.monotonic() < deadline, server.log.read_text()[-3000:]
        assert server.process.poll() is None, server.log.read_text()[-3000:]
        time.sleep(0.05)
