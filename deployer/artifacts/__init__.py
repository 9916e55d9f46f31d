"""A folder under lambdas/ becomes one zip, the same bytes on every machine.

Here is what a template needs to know of it, which is its key in the artifact bucket: a digest of
sources, locked requirements and target, so that it is known before anything is built.
`build` makes the zips; it is imported by who builds, since stacks import this package.
"""

from __future__ import annotations

import functools
import os
import sys
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Literal

from deployer.artifacts import sources

Architecture = Literal["arm64", "x86_64"]
# The folder of the artifact bucket to which a release may add objects. Artifacts that only an
# administrator deploys are outside of it.
RELEASES = "releases/"
HOST: Literal["host"] = "host"  # The machine we run on, for the emulator.

_AMAZON_LINUX_2023 = 12  # From Python 3.12 on. Before it Amazon Linux 2, taken as manylinux2014.

_MACHINES: dict[str, Architecture] = {
    "aarch64": "arm64",
    "arm64": "arm64",
    "amd64": "x86_64",
    "x86_64": "x86_64",
}


@dataclass(frozen=True)
class Target:
    """What an artifact runs on: a version of Python such as 3.13, and Lambda's word for a machine.

    *host* says that it is this machine and this interpreter, whatever Lambda runs elsewhere.
    """

    python: str
    architecture: Architecture
    host: bool = False

    @property
    def facts(self) -> tuple[str, ...]:
        """All that decides which packages fit."""
        return (self.python, self.architecture, *(_abi() if self.host else ()))

    @property
    def glibc(self) -> tuple[int, int]:
        """The version of the C library that Lambda has for this Python."""
        minor = int(self.python.rpartition(".")[2])
        return (2, 34) if minor >= _AMAZON_LINUX_2023 else (2, 17)

    def __str__(self) -> str:
        """As people read it."""
        return f"python{self.python} on {'this machine' if self.host else self.architecture}"


@dataclass(frozen=True)
class Artifact:
    """The zip of the function *name* for *target*."""

    name: str
    target: Target
    digest: str

    @property
    def key(self) -> str:
        """The path below dist/, and below the folder of its stack in the artifact bucket."""
        return f"lambdas/{self.name}/{self.digest}.zip"

    @property
    def handler(self) -> str:
        """What Lambda calls."""
        return f"{self.name}.handler.handler"


@dataclass(frozen=True)
class Code:
    """The functions of the checkout in *root*."""

    root: Path

    def artifact(self, name: str, target: Target) -> Artifact:
        """The artifact of lambdas/*name*; raises SynthError with all that is wrong with it."""
        return Artifact(name, target, sources.gather(self.root, name).digest(target.facts))


def target(runtime: str, architecture: Architecture | Literal["host"]) -> Target:
    """What *runtime*, such as python3.13, is on *architecture*; "host" is this very interpreter."""
    if architecture == HOST:
        return host()
    return Target(runtime.removeprefix("python"), architecture)


@functools.cache
def host() -> Target:
    """Ourselves: the machine, and the Python."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Target(python, _MACHINES[os.uname().machine.lower()], host=True)


@functools.cache
def _abi() -> tuple[str, ...]:
    """What compiled code must fit on this machine: its suffix names Python, machine and libc."""
    try:
        libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, ValueError):  # Not GNU's: musl, or another system.
        libc = ""
    return (HOST, sys.platform, EXTENSION_SUFFIXES[0], libc)
