r"""A web server that answers as a test says, byte by byte, and remembers what it was asked for.

    with serve([OK + b"{}"], [b"HTTP/1.1 200 OK\r\n", SLOW_BYTES]) as there:
        …
        assert ["/one", "/two"] == there.requested_paths

Where *tls* is given it says to be localhost, with a certificate that nobody else vouches for.
"""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from tests.lambdas.access_tokens import FIRST

OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"

SLOW_BYTES = 0.05  # Seconds between bytes, and there is no end to them.
SILENCE = 60.0  # Seconds of silence, ended by the end of the test.

Answer = Sequence[bytes | float]


@dataclass
class ScriptedServer:
    """Where it is, and what it was asked for."""

    url: str = ""
    requested_paths: list[str] = field(default_factory=list)


@contextmanager
def serve(*answers: Answer, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """Give *answers* in turn, the last one again and again; a number among the bytes is a pause.

    SLOW_BYTES is a byte each so many seconds, for ever.
    """
    there, over = ScriptedServer(), threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            connection = self.request
            if tls:
                connection = tls.wrap_socket(
                    connection, server_side=True, do_handshake_on_connect=False
                )
            with connection, connection.makefile("rb") as lines:
                there.requested_paths.append(lines.readline().split()[1].decode())
                answer = answers[min(len(there.requested_paths), len(answers)) - 1]
                while lines.readline().strip():
                    pass
                for part in answer:
                    self.give(connection, part)

        def give(self, connection, part) -> None:
            if isinstance(part, bytes):
                connection.sendall(part)
            elif part != SLOW_BYTES:
                over.wait(part)
            else:
                while not over.wait(SLOW_BYTES):
                    connection.sendall(b"x")

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True

        def handle_error(self, request, client_address) -> None:
            """Whoever hangs up on us means it."""

    with Server(("127.0.0.1", 0), Handler) as server:
        there.url = f"http{'s' if tls else ''}://localhost:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield there
        finally:
            over.set()
            server.shutdown()
            thread.join()


def self_signed(folder: Path) -> ssl.SSLContext:
    """Who says to be localhost, by a certificate of its own: tls.pem in *folder*."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(FIRST.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(hours=1))
        .not_valid_after(datetime.now(UTC) + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(FIRST, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    key = FIRST.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "tls.pem").write_bytes(key + made.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.pem")
    return context
