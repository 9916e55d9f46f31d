"""A proxy that forwards requests to the emulator and records each of them.

A record does not depend on the client library. Commands use the proxy in one of two ways:

    local     `RecordingProxy.redirect` writes the port of the proxy to server.json, the file in which
              commands find the emulator
    account   `RecordingProxy.variables` has HTTPS_PROXY and AWS_CA_BUNDLE, with which the proxy is
              https://*.amazonaws.com: safety checks, approval and credentials are as in AWS
"""

from __future__ import annotations

import http.client
import json
import re
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import emulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from emulator import Endpoint

_SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/")
_READS = ("Describe", "List", "Get", "Validate")
_HOSTS = (
    "*.amazonaws.com",
    "*.ca-central-1.amazonaws.com",
    "*.ecr.ca-central-1.amazonaws.com",
    "*.s3.ca-central-1.amazonaws.com",
    "*.us-east-1.amazonaws.com",
)
# Headers that apply to one connection and are not forwarded.
_CONNECTION_HEADERS = {"connection", "content-length", "transfer-encoding"}


@dataclass(frozen=True)
class Call:
    """One request to AWS."""

    region: str
    action: str

    @property
    def writes(self) -> bool:
        """Whether the request changes something in the account."""
        return not self.action.startswith(_READS)


@dataclass
class RecordingProxy:
    """The proxy; *ca* is the file of its certificate."""

    endpoint: Endpoint
    port: int
    ca: Path
    calls: list[Call] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)
    _hold: tuple[str, bool] | None = None

    @property
    def written(self) -> list[Call]:
        """The requests that change something in the account."""
        return [call for call in self.calls if call.writes]

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables with which a command uses the proxy for all of AWS."""
        return {"HTTPS_PROXY": f"http://127.0.0.1:{self.port}", "AWS_CA_BUNDLE": str(self.ca)}

    @contextmanager
    def redirect(self, folder: Path) -> Iterator[None]:
        """Redirect the requests of local commands to the running emulator of *folder*."""
        file = folder / "server.json"
        before = file.read_text()
        file.write_text(json.dumps(json.loads(before) | {"port": self.port}))
        yield
        file.write_text(before)

    def hold(self, action: str, *, forward: bool) -> None:
        """Do not respond to the next request for *action*; with *forward*, forward it to the emulator.

        `held` is set when the request has arrived.
        """
        self._hold = action, forward
        self.held.clear()

    def respond(self, request: _RequestHandler) -> None:
        """Forward a request, and send back its response."""
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        action = parse_qs(body.decode("latin-1")).get("Action", [request.command])[0]
        scope = _SCOPE.search(request.headers.get("Authorization", ""))
        is_admin_request = request.path.startswith("/_emulator")  # Not a request to AWS.
        if scope and not is_admin_request:
            self.calls.append(Call(scope[1], action))
        held = self._hold and self._hold[0] == action
        if not held or self._hold[1]:
            response, content = self._forward(request, body)
        if held:
            self._hold = None
            self.held.set()
            request.close_connection = True
            request.rfile.read(1)  # Until the client closes the connection.
            return
        request.send_response_only(response.status)
        for name, value in response.getheaders():
            if name.lower() not in _CONNECTION_HEADERS:
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def _forward(
        self, request: _RequestHandler, body: bytes
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection(urlsplit(self.endpoint.url).netloc, timeout=30)
        connection.request(request.command, request.path, body, dict(request.headers))
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response, content


@contextmanager
def recording_proxy(endpoint: Endpoint, folder: Path) -> Iterator[RecordingProxy]:
    """Run the proxy for *endpoint*, with a certificate in *folder*."""
    ca, key = _certificate(folder)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(ca, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _RequestHandler)
    server.daemon_threads = True
    proxy = RecordingProxy(endpoint, server.server_port, ca)
    emulator.allow(endpoint, hosts=[f"127.0.0.1:{server.server_port}"])
    server.proxy, server.tls = proxy, tls
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _RequestHandler(BaseHTTPRequestHandler):
    """The handler of a client's connection."""

    protocol_version = "HTTP/1.1"

    def do_CONNECT(self) -> None:
        """Accept the tunnel and continue as the host of the request."""
        self.send_response_only(200)
        self.end_headers()
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", 0)
        self.close_connection = False  # True by default after CONNECT, an HTTP/1.0 request.

    def do_POST(self) -> None:
        """Forward the request."""
        self.server.proxy.respond(self)

    do_DELETE = do_GET = do_HEAD = do_PUT = do_POST  # noqa: N815

    def finish(self) -> None:
        """Close the TLS connection, which replaced the original connection."""
        super().finish()
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Log nothing: `RecordingProxy.calls` records the requests."""


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Create a self-signed certificate for AWS's host names; return the files of certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "AWS, for tests")])
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in _HOSTS])
    now, day = datetime.now(UTC), timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    files = folder / "aws.crt", folder / "aws.key"
    files[0].write_bytes(certificate.public_bytes(pem))
    files[1].write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return files
