"""Requests to the admin API, and other processes on the server's port."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

import emulator
from emulator.locks import is_locked
from tests.emulator.access.attacker import (
    client,
    send,
    sign,
)
from tests.emulator_server import Aws


def test_only_root_users_may_use_the_admin_api(aws: Aws) -> None:
    """Keys of a session, and signatures for other services, are refused by the admin API."""
    session = aws.client("sts").get_session_token()["Credentials"]
    body = json.dumps({"account": aws.endpoint.account, "seconds": 0}).encode()
    key = {"key": session["AccessKeyId"], "secret": session["SecretAccessKey"]}

    as_session = sign(
        aws.endpoint, "POST", "/_emulator/resource-delay", body, service="emulator", **key
    )
    as_sts = sign(aws.endpoint, "POST", "/_emulator/resource-delay", body)
    as_root = sign(aws.endpoint, "POST", "/_emulator/resource-delay", body, service="emulator")

    assert send(aws.endpoint, "POST", "/_emulator/resource-delay", body, **as_session).status == 403
    assert send(aws.endpoint, "POST", "/_emulator/resource-delay", body, **as_sts).status == 403
    assert (
        send(aws.endpoint, "POST", "/_emulator/resource-delay", body + b" ", **as_root).status
        == 403
    )
    assert send(aws.endpoint, "POST", "/_emulator/resource-delay", body, **as_root).status == 200


class RecordingServer(socketserver.ThreadingTCPServer):
    """Another process on the server's port, which records the requests that it receives."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _Recorder)


class _Recorder(socketserver.StreamRequestHandler):
    server: RecordingServer

    def handle(self) -> None:
        text = b""
        while not text.endswith(b"\r\n\r\n"):
            text += self.rfile.read(1)
        self.server.received.append(text)
        proof = b'{"proof": "%s", "token": "x"}' % (b"0" * 64)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        self.wfile.write(head % len(proof) + proof)


@contextmanager
def recording_server() -> Iterator[RecordingServer]:
    """Run a RecordingServer."""
    with RecordingServer() as recording:
        thread = threading.Thread(target=recording.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield recording
        recording.shutdown()
        thread.join()


def test_another_process_on_the_port(own_folder: Path) -> None:
    """Another process on the server's port is not used as the server, and gets no secret."""
    endpoint = emulator.start(own_folder)
    description = json.loads((own_folder / "server.json").read_text())
    with recording_server() as recording:
        port = recording.server_address[1]
        (own_folder / "server.json").write_text(json.dumps(description | {"port": port}))

        found = emulator.running(own_folder)
        [request] = recording.received

    (own_folder / "server.json").write_text(json.dumps(description))
    assert is_locked(own_folder / "server.lock")
    assert found is None
    assert endpoint.secret_key.encode() not in request
    assert b"Signature=" in request


def test_another_folder(own_folder: Path, server: emulator.Endpoint) -> None:
    """The secret and the server of one folder cannot be used for another folder."""
    other = emulator.start(own_folder)

    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        client(server, "sts", other.access_key, other.secret_key).get_caller_identity()

    description = json.loads((own_folder / "server.json").read_text())
    port = urlsplit(server.url).port
    (own_folder / "server.json").write_text(json.dumps(description | {"port": port}))
    assert emulator.running(own_folder) is None
    (own_folder / "server.json").write_text(json.dumps(description))
    assert other == emulator.running(own_folder)
