r"""A web server that sends scripted responses byte by byte, and records the requested paths.

    with serve([OK + b"{}"], [b"HTTP/1.1 200 OK\r\n", SLOW_BYTES]) as server:
        …
        assert ["/one", "/two"] == server.requested_paths

With *tls* it uses HTTPS, with a self-signed certificate for localhost.
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

from tests.lambdas.access_tokens import FIRST_KEY

OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"

SLOW_BYTES = 0.05  # One byte in this many seconds, without end.
SILENCE = 60.0  # Seconds without a byte; the end of the test interrupts them.

Response = Sequence[bytes | float]


@dataclass
class ScriptedServer:
    """The address of the server, and the requests that it received."""

    url: str = ""
    requested_paths: list[str] = field(default_factory=list)


@contextmanager
def serve(*responses: Response, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """Send one of *responses* per request, and the last one for all further requests.

    A response consists of bytes to send and numbers of seconds to wait. SLOW_BYTES in it sends a
    byte at a time until the end of the test.
    """
    scripted, stopped = ScriptedServer(), threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            connection = self.request
            if tls:
                connection = tls.wrap_socket(
                    connection, server_side=True, do_handshake_on_connect=False
                )
            with connection, connection.makefile("rb") as lines:
                scripted.requested_paths.append(lines.readline().split()[1].decode())
                response = responses[min(len(scripted.requested_paths), len(responses)) - 1]
                while lines.readline().strip():
                    pass
                for part in response:
                    self.send(connection, part)

        def send(self, connection, part) -> None:
            if isinstance(part, bytes):
                connection.sendall(part)
            elif part != SLOW_BYTES:
                stopped.wait(part)
            else:
                while not stopped.wait(SLOW_BYTES):
                    connection.sendall(b"x")

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True

        def handle_error(self, request, client_address) -> None:
            """Ignore clients that close the connection early."""

    with Server(("127.0.0.1", 0), Handler) as server:
        scripted.url = f"http{'s' if tls else ''}://localhost:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield scripted
        finally:
            stopped.set()
            server.shutdown()
            thread.join()


def self_signed(folder: Path) -> ssl.SSLContext:
    """Return the TLS context of a server with a self-signed certificate, tls.pem in *folder*."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(FIRST_KEY.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(hours=1))
        .not_valid_after(datetime.now(UTC) + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(FIRST_KEY, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    key = FIRST_KEY.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "tls.pem").write_bytes(key + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.pem")
    return context
