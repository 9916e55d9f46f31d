"""Stands between a tool and the emulator, passes everything on, and remembers each call.

A count of what went over the wire holds for whatever client made it. The tool gets here in one of
two ways:

    local     the emulator is found through server.json: `Wire.tap` writes our port there
    account   HTTPS_PROXY and AWS_CA_BUNDLE: we are https://*.amazonaws.com, so that the guards,
              the questions and the credentials of an AWS account are the real ones
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
    "*.s3.ca-central-1.amazonaws.com",
    "*.us-east-1.amazonaws.com",
)
_OURS = {"connection", "content-length", "transfer-encoding"}  # Headers that are of one connection.


@dataclass(frozen=True)
class Call:
    """One request to AWS."""

    region: str
    action: str

    @property
    def writes(self) -> bool:
        """It was meant to change something."""
        return not self.action.startswith(_READS)


@dataclass
class Wire:
    """What is in between. *ca* is the certificate that vouches for us."""

    endpoint: Endpoint
    port: int
    ca: Path
    calls: list[Call] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)
    _hold: tuple[str, bool] | None = None

    @property
    def written(self) -> list[Call]:
        """The calls that were meant to change something."""
        return [call for call in self.calls if call.writes]

    @property
    def proxy(self) -> dict[str, str]:
        """The environment of a tool for which we are all of AWS."""
        return {"HTTPS_PROXY": f"http://127.0.0.1:{self.port}", "AWS_CA_BUNDLE": str(self.ca)}

    @contextmanager
    def tap(self, folder: Path) -> Iterator[None]:
        """Have the emulator in *folder*, which runs, be reached through us."""
        file = folder / "server.json"
        before = file.read_text()
        file.write_text(json.dumps(json.loads(before) | {"port": self.port}))
        yield
        file.write_text(before)

    def hold(self, action: str, *, done: bool) -> None:
        """Give no answer to the next such call, *done* or not; `held` says when it has come."""
        self._hold = action, done
        self.held.clear()

    def answer(self, asked: _Asked) -> None:
        """Pass a request on, and its answer back."""
        body = asked.rfile.read(int(asked.headers.get("Content-Length", 0)))
        action = parse_qs(body.decode("latin-1")).get("Action", [asked.command])[0]
        scope = _SCOPE.search(asked.headers.get("Authorization", ""))
        if scope and not asked.path.startswith("/_emulator"):  # Our own orders are not AWS's.
            self.calls.append(Call(scope[1], action))
        held = self._hold and self._hold[0] == action
        if not held or self._hold[1]:
            answer, content = self._pass_on(asked, body)
        if held:
            self._hold = None
            self.held.set()
            asked.close_connection = True
            asked.rfile.read(1)  # Until the tool is gone.
            return
        asked.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _OURS:
                asked.send_header(name, value)
        asked.send_header("Content-Length", str(len(content)))
        asked.end_headers()
        asked.wfile.write(content)

    def _pass_on(self, asked: _Asked, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection(urlsplit(self.endpoint.url).netloc, timeout=30)
        connection.request(asked.command, asked.path, body, dict(asked.headers))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer, content


@contextmanager
def between(endpoint: Endpoint, folder: Path) -> Iterator[Wire]:
    """Listen, with a certificate kept in *folder*, and pass everything on to *endpoint*."""
    ca, key = _certificate(folder)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(ca, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Asked)
    server.daemon_threads = True
    wire = Wire(endpoint, server.server_port, ca)
    emulator.allow(endpoint, hosts=[f"127.0.0.1:{server.server_port}"])
    server.wire, server.tls = wire, tls
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield wire
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Asked(BaseHTTPRequestHandler):
    """A connection of a tool."""

    protocol_version = "HTTP/1.1"

    def do_CONNECT(self) -> None:
        """Be the host that is asked for."""
        self.send_response_only(200)
        self.end_headers()
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", 0)
        self.close_connection = False  # The client spoke HTTP/1.0 up to here.

    def do_POST(self) -> None:
        """Pass it on."""
        self.server.wire.answer(self)

    do_DELETE = do_GET = do_HEAD = do_PUT = do_POST  # noqa: N815

    def finish(self) -> None:
        """Close the connection that is ours now: it may be another one than at the start."""
        super().finish()
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Say nothing: `Wire.calls` is what is wanted."""


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of AWS's names that vouches for itself, and its key."""
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
