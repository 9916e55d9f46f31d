"""Find a Python on this machine that can import code built for a target.

The candidates are the interpreter of this process, and one that uv finds: on PATH, in pyenv, or
installed by uv. An interpreter for another architecture is used if the system emulates that
architecture. Nothing is downloaded.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from deployer.artifacts import Target
from deployer.artifacts.install import MACHINES, environment, uv
from deployer.isolation import sandbox

_SECONDS = 60
_FIND_LOCK = threading.Lock()
_QUERY = """
import json, os, sys
from importlib.machinery import EXTENSION_SUFFIXES
try:
    libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
except (AttributeError, ValueError):
    libc = ""
print(json.dumps([os.uname().machine, EXTENSION_SUFFIXES[0], libc, sys.base_prefix]))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python at *path*, with its architecture, C library and the folder of its installation."""

    path: str
    machine: str
    suffix: str
    libc: str
    prefix: str

    def fits(self, target: Target) -> bool:
        """Return whether it can load code for *target*: same architecture and ABI, recent C library."""
        name, _, version = self.libc.partition(" ")
        tag = f".cpython-{target.python.replace('.', '')}-"
        return (
            self.machine.lower() == MACHINES[target.architecture]
            and self.suffix.startswith(tag)
            and name == "glibc"
            and tuple(map(int, version.split(".")[:2])) >= target.glibc
        )


def find(target: Target) -> Interpreter | None:
    """Return an interpreter for *target*, or None. The result is cached."""
    with _FIND_LOCK:
        return _find(target)


@functools.cache
def _find(target: Target) -> Interpreter | None:
    if target.host:
        return _inspect(sandbox.python())
    candidates = (_inspect(path) for path in _candidates(target))
    return next(
        (candidate for candidate in candidates if candidate and candidate.fits(target)), None
    )


def _candidates(target: Target) -> Iterator[str]:
    if sys.platform != "linux":
        return
    yield sandbox.python()
    request = f"cpython-{target.python}-linux-{MACHINES[target.architecture]}-gnu"
    command = [uv(), "python", "find", "--offline", "--no-python-downloads", "--no-project"]
    if path := _output([*command, request]):
        yield os.path.realpath(path.strip())


def _inspect(path: str) -> Interpreter | None:
    output = _output([path, "-I", "-S", "-c", _QUERY])
    return Interpreter(path, *json.loads(output)) if output else None


def _output(command: list[str]) -> str:
    try:
        completed = subprocess.run(
            command,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return completed.stdout if completed.returncode == 0 else ""
