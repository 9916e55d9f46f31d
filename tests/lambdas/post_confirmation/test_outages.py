"""A database that is slow, overloaded or unreachable."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from queue import SimpleQueue
from threading import Thread
from typing import Any

import psycopg
import pytest

from post_confirmation import handler, rows
from post_confirmation.handler import UnavailableError
from shared import database as connections
from shared import deadline
from tests.emulator_server import REGION
from tests.lambdas.post_confirmation.sign_ups import (
    COGNITO_TIMEOUT_SECONDS,
    assert_no_personal_data,
    deliver,
    log_lines,
    sign_up_event,
    users,
)
from tests.lambdas.postgres import Postgres
from tests.lambdas.threads import has_ended

pytestmark = pytest.mark.thorough


@contextmanager
def silent_port(greeting: bytes):
    """Provide a port that accepts a connection, sends *greeting* and then nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:

        def accept() -> socket.socket:
            connection, _ = server.accept()
            connection.recv(8)
            connection.sendall(greeting)
            return connection

        accepted = pool.submit(accept)
        yield str(server.getsockname()[1])
        accepted.result().close()


@pytest.mark.parametrize("greeting", [b"", b"S"], ids=["nothing", "one byte"])
def test_a_database_that_does_not_respond(
    database: Postgres, greeting: bytes, monkeypatch, capfd
) -> None:
    """The user sees an error after one attempt."""
    with silent_port(greeting) as port:
        monkeypatch.setenv("PGPORT", port)

        with pytest.raises(UnavailableError) as failed:
            deliver(sign_up_event())

    output = capfd.readouterr()
    assert [line["event"] for line in log_lines(output.out)] == ["failed"]
    assert_no_personal_data(str(failed.value), *output)


class LossyProxy:
    """A proxy to *port* that forwards the first TLS records of the client and drops all others.

    It acknowledges all data, so no TCP timeout applies.
    """

    def __init__(self, port: int, forwarded: int) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = str(self._server.getsockname()[1])
        self._target, self._forwarded = port, forwarded
        self.has_lost_data = threading.Event()
        Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                Thread(target=self._forward, args=(client, server), daemon=True).start()
                Thread(target=self._forward_back, args=(server, client), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError), client, server, client.makefile("rb") as stream:
            for number in count():
                # The SSLRequest of PostgreSQL, then TLS records (RFC 8446, section 5.1).
                header = stream.read(5 if number else 8)
                record = header + stream.read(int.from_bytes(header[3:]) if number else 0)
                if not record:
                    return
                if number < self._forwarded:
                    server.sendall(record)
                else:
                    self.has_lost_data.set()

    def _forward_back(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65_536):
                client.sendall(data)


@pytest.mark.parametrize("forwarded", range(7))
def test_a_database_that_stops_responding(
    database: Postgres, forwarded: int, monkeypatch, capfd
) -> None:
    """At any stage, the function fails at its deadline and logs one line.

    Neither the thread nor the connection of the attempt is left.
    """
    proxy = LossyProxy(database.description["Endpoint"]["Port"], forwarded)

    class Results(SimpleQueue[Any]):
        """A queue whose timeout is over when the database has stopped responding."""

        def get(self, block: bool = True, timeout: float | None = None) -> Any:
            proxy.has_lost_data.wait(60)
            return super().get(timeout=1.2 * handler.RETRY_LIMIT_SECONDS)

    monkeypatch.setattr(deadline, "SimpleQueue", Results)
    monkeypatch.setenv("PGPORT", proxy.port)
    real = connections._token
    monkeypatch.setattr(connections, "_token", lambda: _token_for(database, real))
    with pytest.raises(UnavailableError) as failed:
        deliver(sign_up_event())

    assert proxy.has_lost_data.is_set()
    output = capfd.readouterr()
    assert [(line["event"], line["error"]) for line in log_lines(output.out)] == [
        ("failed", "DeadlineError")
    ]
    assert_no_personal_data(str(failed.value), *output)
    assert has_ended("post_confirmation", seconds=20)
    proxy.close()


def _token_for(database: Postgres, token: Callable[[], str]) -> str:
    """Return a token for the address of the database instead of that of a proxy."""
    endpoint = database.description["Endpoint"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGHOST", endpoint["Address"])
        patch.setenv("PGPORT", str(endpoint["Port"]))
        return token()


def test_the_deadline_of_the_function(monkeypatch) -> None:
    """All attempts together have the real deadline, which is shorter than the timeout of Cognito."""
    deadlines = []

    def within(seconds: float, *_: object, **__: object) -> rows.Outcome:
        deadlines.append(seconds)
        return "added"

    monkeypatch.setattr(handler, "within", within)
    monkeypatch.setenv("AWS_REGION", REGION)

    deliver(sign_up_event())

    assert deadlines == [handler.DEADLINE_SECONDS]
    assert handler.DEADLINE_SECONDS < COGNITO_TIMEOUT_SECONDS


def test_a_name_server_that_does_not_respond(database: Postgres, monkeypatch, capfd) -> None:
    """The function does not wait for a slow name lookup; when the lookup ends, no row is added."""
    responded = threading.Event()
    getaddrinfo = socket.getaddrinfo
    real = connections._token
    monkeypatch.setattr(connections, "_token", lambda: _token_for(database, real))
    monkeypatch.setenv("PGHOST", "localhost")
    deliver(sign_up_event())  # The database is reachable by this name.
    database.query("TRUNCATE users CASCADE")
    capfd.readouterr()

    def delayed(*address: Any, **options: Any) -> Any:
        responded.wait(60)
        return getaddrinfo(*address, **options)

    monkeypatch.setattr(socket, "getaddrinfo", delayed)
    monkeypatch.setattr(handler, "DEADLINE_SECONDS", 0.3)

    with pytest.raises(UnavailableError):
        deliver(sign_up_event())

    assert [(line["event"], line["error"]) for line in log_lines(capfd.readouterr().out)] == [
        ("failed", "DeadlineError")
    ]
    responded.set()
    assert has_ended("post_confirmation", seconds=20)
    assert users(database) == []


def test_a_refused_connection(database: Postgres, monkeypatch, capfd) -> None:
    """A refused connection is retried once; each attempt is logged in one line."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
    monkeypatch.setenv("PGPORT", port)

    with pytest.raises(UnavailableError, match="Please write to us") as failed:
        deliver(sign_up_event())

    output = capfd.readouterr()
    lines = log_lines(output.out)
    assert [line["event"] for line in lines] == ["retrying", "failed"]
    assert {line["error"] for line in lines} == {"OperationalError"}
    assert_no_personal_data(str(failed.value), *output)


def test_a_locked_table(database: Postgres, capfd) -> None:
    """A statement that waits for a lock is cancelled at its timeout."""
    with database.connect("migrator") as other, other.transaction():
        other.execute("LOCK TABLE users")

        with pytest.raises(UnavailableError):
            deliver(sign_up_event())

    assert '"sqlstate": "57014"' in capfd.readouterr().out
    assert users(database) == []
    deliver(sign_up_event())
    assert len(users(database)) == 1


def test_too_many_connections(database: Postgres, monkeypatch, capfd) -> None:
    """After a temporary error such as too many connections, the function retries once."""
    error = psycopg.errors.TooManyConnections("FATAL: too many connections for londo")
    errors = iter([error])
    add = rows.add

    def failing_once(*arguments: Any) -> rows.Outcome:
        for next_error in errors:
            raise next_error
        return add(*arguments)

    monkeypatch.setattr(rows, "add", failing_once)

    deliver(sign_up_event())

    assert len(users(database)) == 1
    assert '"error": "TooManyConnections", "sqlstate": "53300"' in capfd.readouterr().out


def test_the_time_limits() -> None:
    """The deadline is shorter than the timeout of Cognito, and includes a second attempt."""
    statements = 3 * int(rows.STATEMENT_TIMEOUT.removesuffix("ms")) / 1000

    assert handler.DEADLINE_SECONDS < COGNITO_TIMEOUT_SECONDS
    assert handler.RETRY_LIMIT_SECONDS + connections.CONNECT_SECONDS < handler.DEADLINE_SECONDS
    assert handler.RETRY_LIMIT_SECONDS + statements < handler.DEADLINE_SECONDS
