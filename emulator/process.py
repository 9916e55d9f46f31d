"""Start, find and stop the server process of the emulator."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import EmulatorError
from deployer.isolation import sandbox
from emulator.access import admin_requests, secret
from emulator.endpoint import ACCOUNT
from emulator.locks import is_locked, locked

if TYPE_CHECKING:
    from emulator.paths import EmulatorPaths

START_SECONDS = 60.0  # A start took 6 s on a busy machine with two cores.
STOP_SECONDS = 30.0
_RESPONSE_SECONDS = 20.0  # A busy server responds late.
_POLL_SECONDS = 0.02
_LOG_LINES = 15
_CHECKOUT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Server:
    """The running server, as described in `server.json`.

    *code* is the digest of the code that the server runs.
    """

    pid: int
    port: int
    since: str
    code: str
    isolation: str = ""

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"http://127.0.0.1:{self.port}"


def start(paths: EmulatorPaths) -> Server:
    """Return the running server; start one if there is none, or if it runs other code."""
    sandbox.requirement()  # Raises an error for an unknown value before anything starts.
    if (server := running(paths)) and _is_current(server):
        return server
    paths.create()
    with locked(paths.start_lock):
        if (server := running(paths)) and _is_current(server):
            return server
        stop(paths)
        return _wait_for(_spawn(paths), paths)


def _is_current(server: Server) -> bool:
    """Return whether the server runs the code of the checkout, isolated as CRUDDUR_ISOLATION requires."""
    level = {"required": "namespaces", "off": "environment"}.get(sandbox.requirement())
    return server.code == code_digest() and level in {None, server.isolation}


def code_digest() -> str:
    """Return a digest of the emulator's code in the checkout.

    A `git pull` may change the code while the server runs.
    """
    digest = hashlib.sha256()
    for folder in ("emulator", "deployer/isolation"):
        for file in sorted((_CHECKOUT / folder).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def running(paths: EmulatorPaths) -> Server | None:
    """Return the server if one holds the lock, and proves that it has the folder's secret."""
    if not is_locked(paths.server_lock):
        return None
    server = _read(paths)
    if server is None or not paths.secret.exists():
        return None
    folder_secret = secret.read(paths.secret)
    if not admin_requests.is_server_of(
        server.url, folder_secret, account=ACCOUNT, timeout_seconds=_RESPONSE_SECONDS
    ):
        return None
    return server


def stop(paths: EmulatorPaths) -> bool:
    """Stop the server after it has saved its state, and wait until it has ended."""
    if not is_locked(paths.server_lock):
        return False
    server = _read(paths) or _wait_for_description(paths)
    os.kill(server.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while is_locked(paths.server_lock):
        if time.monotonic() > deadline:
            raise EmulatorError(
                f"the emulator (process {server.pid}) did not stop in {STOP_SECONDS:.0f} s",
                hint=f"see {paths.log}, or run `kill -9 {server.pid}`, which loses the changes of"
                " the last second",
            )
        time.sleep(_POLL_SECONDS)
    return True


def _spawn(paths: EmulatorPaths) -> subprocess.Popen[bytes]:
    """Start the server in a new session, so that Ctrl-C in the terminal does not stop it."""
    with paths.log.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "emulator", str(paths.folder)],
            cwd=paths.folder,
            env=environment(paths),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def environment(paths: EmulatorPaths) -> dict[str, str]:
    """Return the server's whole environment, without the user's AWS variables, home and proxies."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(_CHECKOUT),
        "HOME": str(paths.tmp),
        "TMPDIR": str(paths.tmp),
        "LANG": "C.UTF-8",
        # coverage measures the server, too: most code of patches/ runs only in it.
        **{
            name: value
            for name, value in os.environ.items()
            if name.startswith("COVERAGE_") or name == sandbox.VARIABLE
        },
    }


def _wait_for(child: subprocess.Popen[bytes], paths: EmulatorPaths) -> Server:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise _failure("does not start", paths)
        server = running(paths)
        if server and server.pid == child.pid:
            child.returncode = 0  # Popen would warn about a child that outlives this process.
            return server
        time.sleep(_POLL_SECONDS)
    child.kill()
    child.wait()
    raise _failure(f"did not respond in {START_SECONDS:.0f} s", paths)


def _failure(fact: str, paths: EmulatorPaths) -> EmulatorError:
    text = paths.log.read_text(errors="replace") if paths.log.exists() else ""
    lines = "\n".join(f"  {line}" for line in text.splitlines()[-_LOG_LINES:])
    message = f"the emulator {fact}; the last lines of its log:\n{lines}"
    return EmulatorError(message, hint=f"see the whole log: {paths.log}")


def _read(paths: EmulatorPaths) -> Server | None:
    """Return the server that `server.json` describes; None while the server is starting."""
    try:
        description = json.loads(paths.server.read_text())
        return Server(
            description["pid"],
            description["port"],
            description["since"],
            description.get("code", ""),
            description.get("isolation", ""),
        )
    except (FileNotFoundError, ValueError, KeyError):
        return None


def _wait_for_description(paths: EmulatorPaths) -> Server:
    """Return the description of a server that holds its lock and is starting; wait for it."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and is_locked(paths.server_lock):
        if server := _read(paths):
            return server
        time.sleep(_POLL_SECONDS)
    raise _failure("did not finish starting", paths)
