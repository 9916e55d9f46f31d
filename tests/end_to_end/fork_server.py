"""Run `python -m MODULE` in a fork of a process that has already imported most modules.

Imports take most of the CPU time of a short command. The fork has its own arguments, environment,
working folder and standard streams, and its exit code is that of a new process. Tests of signals
that a process handles, terminals and shells start new processes instead.

The server has imported the third-party libraries. For the commands of a checkout, the server forks a
second server, which imports the modules of the checkout. Another checkout, another environment or a
changed source file needs another second server; the last four are kept.

A command that a test kills also runs in a fork: see ForkServer.start.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import hashlib
import importlib
import json
import os
import re
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
_FOLDERS = ("commands", "deployer", "operations", "stacks")
_PROJECT = (*_FOLDERS, "emulator")
_IMPORT = re.compile(r"^ *(?:from ([\w.]+) import ([\w, ]+)|import ([\w.]+))", re.MULTILINE)
_LARGEST_BYTES = 1 << 20
_LARGEST_COUNT = 4  # Of second servers.


@dataclass(frozen=True)
class Finished:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


class Started:
    """A running command, with the interface of subprocess.Popen that tests use."""

    def __init__(self, stderr: IO[str], report: IO[bytes]) -> None:
        self.stderr = stderr
        self._report = report
        word = b""
        while not word.endswith(b" "):
            word += report.read(1)
        self.pid = int(word)
        self.returncode: int | None = None

    def communicate(self, timeout: float) -> tuple[None, str]:
        """Wait until the command has ended; *timeout* is not used, because tests kill it."""
        rest = self.stderr.read()
        self.returncode = int(self._report.read())
        return None, rest

    def kill(self) -> None:
        """Kill the command if it is running, and close the files."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self.stderr.close()
        self._report.close()


class ForkServer:
    """The process that forks; it ends when the test process closes its side of the socket."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """Start the server with *env*, which sets the options of the interpreter for all commands."""
        self.env = dict(env)
        self._socket, child_socket = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(child_socket.fileno())],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # Pipes, as commands have.
            stderr=subprocess.PIPE,
            pass_fds=(child_socket.fileno(),),
            start_new_session=True,
        )
        child_socket.close()
        atexit.register(self._close)

    def supports(self, env: Mapping[str, str]) -> bool:
        """Return whether *env* sets the same options of the interpreter as this server has."""
        return _interpreter_variables(env) == _interpreter_variables(self.env)

    def run(
        self, *arguments: str, cwd: Path, env: Mapping[str, str], seconds: float = 60
    ) -> Finished:
        """Run `python -m ARGUMENTS` with an empty standard input."""
        out, err, report = _read(self._send(arguments, cwd, env), seconds)
        return Finished(int(report.split()[1]), out, err)

    def start(self, *arguments: str, cwd: Path, env: Mapping[str, str]) -> Started:
        """Start `python -m ARGUMENTS` in its own process group, without standard output."""
        out, err, report = self._send(arguments, cwd, env, has_own_group=True)
        os.close(out)
        return Started(os.fdopen(err, encoding="utf-8"), os.fdopen(report, "rb", buffering=0))

    def _send(
        self,
        arguments: tuple[str, ...],
        cwd: Path,
        env: Mapping[str, str],
        *,
        has_own_group: bool = False,
    ) -> list[int]:
        """Send a request; return the files of the output, the errors and the report."""
        request = {
            "arguments": arguments,
            "cwd": os.fspath(cwd),
            "env": dict(env),
            "has_own_group": has_own_group,
        }
        ends = [os.pipe() for _ in range(3)]
        with open(os.devnull, "r+b") as nothing:  # noqa: PTH123
            streams = [nothing.fileno(), *(write for _, write in ends)]
            if has_own_group:
                streams[1] = nothing.fileno()
            socket.send_fds(self._socket, [json.dumps(request).encode() + b"\n"], streams)
        for _, write in ends:
            os.close(write)
        return [read for read, _ in ends]

    def _close(self) -> None:
        self._socket.close()
        self._process.communicate()


@functools.cache
def fork_server() -> ForkServer:
    """Return the server of this test process."""
    env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONWARNINGS": "error"}
    return ForkServer(env)


def _interpreter_variables(env: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value for name, value in env.items() if name.startswith(("PYTHON", "LC_", "LANG"))
    }


def _read(files: list[int], seconds: float) -> list[str]:
    """Return the contents of *files* when all of them are closed.

    On an error, kill the process with the id in the last file.
    """
    contents = dict.fromkeys(files, b"")
    try:
        _fill(contents, time.monotonic() + seconds)
    except BaseException:
        with contextlib.suppress(ProcessLookupError, IndexError):
            os.kill(int(contents[files[-1]].split()[0]), signal.SIGKILL)
        raise
    finally:
        for file in files:
            os.close(file)
    return [content.decode() for content in contents.values()]


def _fill(contents: dict[int, bytes], deadline: float) -> None:
    """Read all files into *contents*; raise TimeoutError after *deadline*."""
    with selectors.DefaultSelector() as selector:
        for file in contents:
            selector.register(file, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(deadline - time.monotonic())
            if not ready and time.monotonic() > deadline:
                raise TimeoutError("the command did not end in time")
            for key, _ in ready:
                if data := os.read(key.fd, 65536):
                    contents[key.fd] += data
                else:
                    selector.unregister(key.fd)


class _CheckoutServers:
    """The second servers, each of which has imported the modules of one checkout."""

    def __init__(self) -> None:
        self._sockets: dict[object, socket.socket] = {}  # The most recently used one is the last.

    def fork(self, key: object) -> socket.socket | None:
        """Start the server for *key* unless it runs; return its socket in the new process only."""
        if key in self._sockets:
            self._sockets[key] = self._sockets.pop(key)
            return None
        client_end, server_end = socket.socketpair()
        if os.fork() == 0:
            client_end.close()
            self.close()
            return server_end
        server_end.close()
        self._sockets[key] = client_end
        if len(self._sockets) > _LARGEST_COUNT:
            self._sockets.pop(next(iter(self._sockets))).close()
        return None

    def send(self, key: object, request: dict[str, object], files: list[int]) -> None:
        """Send a request to the second server for *key*."""
        socket.send_fds(self._sockets[key], [json.dumps(request).encode() + b"\n"], files)

    def close(self) -> None:
        """Close the sockets, which ends the servers."""
        while self._sockets:
            self._sockets.popitem()[1].close()


def _serve(connection: socket.socket, *, has_imported: bool = False) -> list[str]:
    """Fork for every request until the socket is closed; return the arguments in each fork.

    Send requests for a checkout to the second server. The second server itself *has_imported* the
    checkout and forks for each request.
    """
    second = _CheckoutServers()
    while True:
        request, files = _receive(connection)
        if request is None:
            connection.close()
            sys.exit()
        if not has_imported and (key := _checkout_key(request)):
            if server_end := second.fork(key):
                connection.close()
                _close(files)
                _enter(request)
                _import_checkout()
                return _serve(server_end, has_imported=True)
            second.send(key, request, files)
        elif os.fork() == 0:
            connection.close()
            second.close()
            return _begin(request, files)
        _close(files)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _close(files: list[int]) -> None:
    for file in files:
        os.close(file)


def _receive(connection: socket.socket) -> tuple[dict[str, object] | None, list[int]]:
    """Return the next request and its files; None if the other side has closed the socket."""
    line, files, *_ = socket.recv_fds(connection, _LARGEST_BYTES, 4)
    if not line:
        return None, []
    while not line.endswith(b"\n"):
        line += connection.recv(_LARGEST_BYTES)
    return json.loads(line), files


def _checkout_key(request: dict[str, object]) -> object:
    """Return a value that changes with the modules of a checkout; None outside of a checkout."""
    root = Path(request["cwd"])
    if not (root / "tasks.py").exists():
        return None
    files = [root / "tasks.py"]
    for folder in _PROJECT:
        for path, folders, names in os.walk(root / folder):
            folders[:] = [name for name in folders if name != "__pycache__"]
            files += [Path(path, name) for name in names]
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.relative_to(root)}\0{file.stat().st_size}\0".encode())
        digest.update(file.read_bytes())
    return root, *sorted(request["env"].items()), digest.digest()


def _import_checkout() -> None:
    """Import the modules of the checkout in the working folder, except those with an error."""
    for folder in ("commands", "operations"):
        for file in sorted(Path(folder).rglob("*.py")):
            name = ".".join(file.with_suffix("").parts).removesuffix(".__init__")
            with contextlib.suppress(Exception):  # The command reports the error.
                importlib.import_module(name)
    gc.freeze()


def _begin(request: dict[str, object], files: list[int]) -> list[str]:
    """Fork again: one process runs the command, the other reports its id and its exit code."""
    *streams, report = files
    if pid := os.fork():
        _close(streams)
        os.write(report, f"{pid} ".encode())
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.write(report, f"{code}".encode())
        os._exit(0)
    if request["has_own_group"]:
        os.setpgid(0, 0)
    for number, file in enumerate(streams):
        os.dup2(file, number)
    _close(files)
    _enter(request)
    return request["arguments"]


def _enter(request: dict[str, object]) -> None:
    """Set the environment and the working folder of *request*."""
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    sys.path[0] = os.getcwd()  # noqa: PTH109


def _libraries() -> set[str]:
    """Return the names of third-party and standard modules that the commands import."""
    found = {"invoke.main"}
    for folder in _FOLDERS:
        for file in (ROOT / folder).rglob("*.py"):
            for module, names, plain in _IMPORT.findall(file.read_text()):
                found |= {module or plain, *(f"{module}.{name}" for name in names.split(", "))}
    own = {*_PROJECT, "tasks", "__future__", ""}
    return {name for name in found if name.partition(".")[0] not in own}


def _main() -> None:
    connection = socket.socket(fileno=int(sys.argv[1]))
    for name in sorted(_libraries()):
        with contextlib.suppress(ImportError):  # Not every imported name is a module.
            importlib.import_module(name)
    gc.freeze()
    module, *arguments = _serve(connection)
    sys.argv[:] = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
