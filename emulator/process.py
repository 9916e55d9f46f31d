"""Starts, finds and stops the process that is the emulator.

Who runs is known by a lock, not by a process id: the server holds `server.lock` as long as it
lives, and the kernel lets go of it however it dies. A stale or reused process id cannot fool us.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployer.errors import EmulatorError
from deployer.isolation import sandbox
from emulator.access import admin_requests, secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.paths import Folder

ACCOUNT = "000000000000"
START_SECONDS = 60.0  # A busy two-core machine took 6; the rest is patience.
STOP_SECONDS = 30.0
_ANSWER_SECONDS = 20.0  # One that works hard answers late; it must not be taken for dead.
_LOOK_AGAIN_SECONDS = 0.02
_LAST_LINES = 15
_CHECKOUT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Server:
    """The running process, as it wrote itself down."""

    pid: int
    port: int
    since: str
    code: str
    isolation: str = ""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"


def start(folder: Folder) -> Server:
    """Return the running server, started if there was none, or only one of other code than ours."""
    sandbox.requirement()  # An unknown value is refused before anything starts.
    if (server := running(folder)) and _is_wanted(server):
        return server
    folder.make()
    with _locked(folder.start_lock):
        if (server := running(folder)) and _is_wanted(server):
            return server
        stop(folder)
        return _wait_for(_spawn(folder), folder)


def _is_wanted(server: Server) -> bool:
    """Return whether the server runs this code with the isolation of CRUDDUR_ISOLATION."""
    level = {"required": "namespaces", "off": "environment"}.get(sandbox.requirement())
    return server.code == code() and level in {None, server.isolation}


def code() -> str:
    """Return a digest of the emulator's own code: a pull may change it under a running one."""
    digest = hashlib.sha256()
    for folder in ("emulator", "deployer/isolation"):
        for file in sorted((_CHECKOUT / folder).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def running(folder: Folder) -> Server | None:
    """Return the server if one holds the lock, and proves that it has the folder's secret."""
    if not is_locked(folder.server_lock):
        return None
    server = _written(folder)
    if server is None or not folder.secret.exists():
        return None
    known = secret.read(folder.secret)
    if not admin_requests.is_server_of(server.url, known, account=ACCOUNT, seconds=_ANSWER_SECONDS):
        return None
    return server


def stop(folder: Folder) -> bool:
    """Ask the server to save and go, and wait until it is gone."""
    if not is_locked(folder.server_lock):
        return False
    server = _written(folder) or _starting(folder)
    os.kill(server.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while is_locked(folder.server_lock):
        if time.monotonic() > deadline:
            raise EmulatorError(
                f"the emulator (process {server.pid}) did not stop in {STOP_SECONDS:.0f} s",
                hint=f"see {folder.log}; kill -9 {server.pid} loses a second's changes",
            )
        time.sleep(_LOOK_AGAIN_SECONDS)
    return True


def tell(url: str, key: tuple[str, str], what: str, body: dict[str, Any]) -> str:
    """Send the server one of our own orders, signed with *key*; return what it answers."""
    try:
        path = f"{admin_requests.PATH}/{what}"
        status, text = admin_requests.send(url, "POST", path, json.dumps(body), key=key, seconds=30)
    except OSError as error:
        message = f"the emulator at {url} does not answer: {error}"
        raise EmulatorError(message, hint="start it again") from error
    if status != http.client.OK:
        message = f"the emulator refused {what}: {text}"
        raise EmulatorError(message, hint="is it another version? stop it and start it again")
    return text


def is_locked(path: Path) -> bool:
    """Say whether some process holds the lock *path*."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _spawn(folder: Folder) -> subprocess.Popen[bytes]:
    """Start the server in a session of its own: Ctrl-C in our terminal is not for it."""
    with folder.log.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "emulator", str(folder.path)],
            cwd=folder.path,
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def environment(folder: Folder) -> dict[str, str]:
    """Return all the server may know of the world: nothing of the user's AWS, home or proxies."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(_CHECKOUT),
        "HOME": str(folder.tmp),
        "TMPDIR": str(folder.tmp),
        "LANG": "C.UTF-8",
        # Under coverage the server is measured as well: most of gaps/ runs only there.
        **{
            name: value
            for name, value in os.environ.items()
            if name.startswith("COVERAGE_") or name == sandbox.VARIABLE
        },
    }


def _wait_for(child: subprocess.Popen[bytes], folder: Folder) -> Server:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise _failed("does not start", folder)
        server = running(folder)
        if server and server.pid == child.pid:
            child.returncode = 0  # It outlives us on purpose: Popen need not warn about that.
            return server
        time.sleep(_LOOK_AGAIN_SECONDS)
    child.kill()
    child.wait()
    raise _failed(f"did not answer in {START_SECONDS:.0f} s", folder)


def _failed(what: str, folder: Folder) -> EmulatorError:
    text = folder.log.read_text(errors="replace") if folder.log.exists() else ""
    said = "\n".join(f"  {line}" for line in text.splitlines()[-_LAST_LINES:])
    return EmulatorError(f"the emulator {what}; it said:\n{said}", hint=f"all of it: {folder.log}")


def _written(folder: Folder) -> Server | None:
    """Return what the server wrote down of itself; None while it is still starting."""
    try:
        said = json.loads(folder.server.read_text())
        return Server(
            said["pid"],
            said["port"],
            said["since"],
            said.get("code", ""),
            said.get("isolation", ""),
        )
    except (FileNotFoundError, ValueError, KeyError):
        return None


def _starting(folder: Folder) -> Server:
    """Wait for a server that has its lock and not yet its name."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and is_locked(folder.server_lock):
        if server := _written(folder):
            return server
        time.sleep(_LOOK_AGAIN_SECONDS)
    raise _failed("neither starts nor ends", folder)
