"""Open pages in headless Chromium.

A small server on this machine serves each page under a host name of its own. When all attempts of
the page have finished, the page sends their results to that server.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None and "CI" not in os.environ, reason="chromium is not on PATH"
)
TIMEOUT_SECONDS = 60
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # Root cannot use it, and the pages are those of this test.
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--remote-debugging-port=0",  # Without this, Chromium prints the document and ends before the page has finished.
)
# Each attempt has a name, and its result is what the page can see of the response.
PAGE = """<!doctype html>
<title>page</title>
<script>
const results = {};
const report = (name, result) => { results[name] = String(result); };
const read = async (name, url, init) => {
  try {
    const response = await fetch(url, init);
    report(name, response.type === "opaque" ? "sent" : response.status + " " + await response.text());
  } catch (error) { report(name, "blocked"); }
};
const load = (name, tag, url) => new Promise((done) => {
  const element = document.createElement(tag);
  element.onload = () => { report(name, "loaded"); done(); };
  element.onerror = () => { report(name, "failed"); done(); };
  element.src = url;
  document.head.append(element);
});
const post = (name, url, kind, fields) => new Promise((done) => {
  const frame = document.createElement("iframe");
  frame.name = name;
  document.documentElement.append(frame);
  const form = document.createElement("form");
  Object.assign(form, {method: "post", action: url, enctype: kind, target: name});
  for (const [key, value] of Object.entries(fields)) {
    const input = document.createElement("input");
    Object.assign(input, {type: "hidden", name: key, value: value});
    form.append(input);
  }
  document.documentElement.append(form);
  frame.onload = () => { report(name, "sent"); done(); };
  form.submit();
  setTimeout(done, 3000);
});
const connect = (name, url) => new Promise((done) => {
  const socket = new WebSocket(url);
  socket.onopen = () => { report(name, "opened"); done(); };
  socket.onerror = () => { report(name, "failed"); done(); };
});
(async () => {
  ATTEMPTS
  await fetch("/done", {method: "POST", body: JSON.stringify(results)});
})();
</script>
"""


@dataclass
class PageServer:
    """A server with one page under any host name, and the results that the page has sent."""

    port: int
    page: str = ""
    results: dict[str, str] | None = None


@contextmanager
def page_server() -> Iterator[PageServer]:
    """Run a PageServer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._respond(served.page.encode(), "text/html; charset=utf-8")

        def do_POST(self) -> None:
            served.results = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._respond(b"", "text/plain")

        def _respond(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        served = PageServer(server.server_port)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        yield served
        server.shutdown()


def open_page(profile: Path, name: str, attempts: list[str]) -> dict[str, str]:
    """Open a page at http://NAME:PORT that makes *attempts*, and return their results."""
    with page_server() as served:
        return open_on(served, profile, name, attempts)


def open_on(served: PageServer, profile: Path, name: str, attempts: list[str]) -> dict[str, str]:
    """Open the page of a server in a new browser, and return the results of its attempts."""
    assert CHROMIUM, "chromium is not on PATH: .ci/run installs it"
    served.page = PAGE.replace("ATTEMPTS", "\n  ".join(attempts))
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", f"http://{name}:{served.port}/"]
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "HOME": str(profile)},
        start_new_session=True,
    ) as browser:
        try:
            deadline = time.monotonic() + TIMEOUT_SECONDS
            while served.results is None:
                assert browser.poll() is None, f"chromium ended with {browser.returncode}"
                assert time.monotonic() < deadline, "the page did not finish"
                time.sleep(0.05)
        finally:
            os.killpg(browser.pid, signal.SIGKILL)
    return served.results


def document_at(profile: Path, url: str) -> str:
    """Open *url* in a new browser, and return the document that it shows."""
    assert CHROMIUM, "chromium is not on PATH: .ci/run installs it"
    flags = [flag for flag in FLAGS if not flag.startswith("--remote-debugging-port")]
    shown = subprocess.run(
        [CHROMIUM, *flags, "--dump-dom", f"--user-data-dir={profile}", url],
        capture_output=True,
        env={"PATH": os.environ["PATH"], "HOME": str(profile)},
        timeout=TIMEOUT_SECONDS,
        check=True,
    )
    return shown.stdout.decode()
