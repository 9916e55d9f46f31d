"""A small application with the interface of the backend, whose image the service runs."""

from __future__ import annotations

import json
import tempfile
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING

from operations.images import oci, registry

if TYPE_CHECKING:
    from tests.end_to_end.checkout import Checkout
    from tests.end_to_end.deployed import Deployed

REPOSITORY = "crd-local-backend"
FILES = {
    "Dockerfile": """\
FROM python@sha256:0000000000000000000000000000000000000000000000000000000000000000
WORKDIR /app
COPY . .
CMD ["python3", "server.py"]
""",
    "version.txt": "{version}",
    "bin/health-check": """\
#!/usr/bin/env python3
import urllib.request
urllib.request.urlopen("http://127.0.0.1:4567/api/health-check").close()
""",
    "server.py": '''\
"""Respond with the version of the application."""
import json, pathlib, signal, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = pathlib.Path("version.txt").read_text()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer({"version": VERSION, "path": self.path})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.answer({"version": VERSION, "path": self.path, "bytes": len(body)})

    def answer(self, content):
        body = json.dumps(content).encode()
        self.send_response(500 if VERSION == "broken" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        print(f"version {VERSION}: {self.command} {self.path}", flush=True)


server = ThreadingHTTPServer(("0.0.0.0", 4567), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
''',
}


def write(folder: Path, version: str) -> None:
    """Write the files of the application into *folder*."""
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("{version}", version))
        file.chmod(0o755 if name.startswith("bin/") else 0o644)


def image(version: str) -> oci.Image:
    """Return an image of a *version* of the application."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, "backend"), version)
        return oci.build(Path(folder), "backend")


def push(account: Deployed | Checkout, version: str) -> str:
    """Push the image of a *version* to an *account*; return its digest."""
    built, ecr = image(version), account.client("ecr")
    registry.upload(ecr, REPOSITORY, built, tag=version)
    return built.digest


def version_of(deployed: Deployed) -> str:
    """Return the version of the application behind the load balancer, or the status of an error."""
    connection = HTTPConnection(deployed.endpoint.url.removeprefix("http://"), timeout=60)
    connection.request("GET", "/api/x", headers={"Host": "api.cruddur.localhost:443"})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return str(json.loads(body)["version"]) if response.status == 200 else str(response.status)
