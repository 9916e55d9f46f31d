"""The zip of a Lambda function: reproducible, and named by the digest of its inputs.

A template contains the key of the zip in the artifact bucket. The key has a digest of the sources,
the locked requirements and the target, so it is known before anything is built. Stack files import
this module; only a build imports the module `build`.
"""

from __future__ import annotations

import functools
import os
import sys
from dataclasses import dataclass, field
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Literal

from deployer.artifacts import sources

Architecture = Literal["arm64", "x86_64"]
# The key prefix in the artifact bucket below which a release may add objects. Artifacts that only an
# administrator deploys have no such prefix.
RELEASES = "releases/"
HOST: Literal["host"] = "host"  # This machine, for the emulator.

_AMAZON_LINUX_2023 = (
    12  # Since Python 3.12; older versions run on Amazon Linux 2, which is manylinux2014.
)

_MACHINES: dict[str, Architecture] = {
    "aarch64": "arm64",
    "arm64": "arm64",
    "amd64": "x86_64",
    "x86_64": "x86_64",
}


@dataclass(frozen=True)
class Target:
    """The platform of an artifact: a Python version such as 3.13, and an architecture of Lambda.

    If *host*, the artifact is for this machine and this interpreter, for use in the emulator.
    """

    python: str
    architecture: Architecture
    host: bool = False

    @property
    def facts(self) -> tuple[str, ...]:
        """Return everything that determines which packages are compatible."""
        return (self.python, self.architecture, *(_abi() if self.host else ()))

    @property
    def glibc(self) -> tuple[int, int]:
        """Return the version of the C library in Lambda's runtime of this Python version."""
        minor = int(self.python.rpartition(".")[2])
        return (2, 34) if minor >= _AMAZON_LINUX_2023 else (2, 17)

    def __str__(self) -> str:
        """Return the target as text for messages."""
        return f"python{self.python} on {'this machine' if self.host else self.architecture}"


@dataclass(frozen=True)
class Artifact:
    """The zip of the function *name* for *target*."""

    name: str
    target: Target
    digest: str

    @property
    def key(self) -> str:
        """Return the path below dist/, which follows the key prefix of the stack in the bucket."""
        return f"lambdas/{self.name}/{self.digest}.zip"

    @property
    def handler(self) -> str:
        """Return the handler setting of the Lambda function."""
        return f"{self.name}.handler.handler"


@dataclass(frozen=True)
class Code:
    """The functions of the checkout in *root*."""

    root: Path

    def artifact(self, name: str, target: Target) -> Artifact:
        """Return the artifact of lambdas/*name*; raise SynthError with all problems of its sources."""
        return Artifact(name, target, self._sources(name).digest(target.facts))

    def _sources(self, name: str) -> sources.Sources:
        return sources.gather(self.root, name)


@dataclass(frozen=True)
class UnchangingCode(Code):
    """The functions of a checkout that does not change while this object is used.

    The sources of each function are read only once.
    """

    _read: dict[str, sources.Sources] = field(default_factory=dict, repr=False, compare=False)

    def _sources(self, name: str) -> sources.Sources:
        if name not in self._read:
            self._read[name] = super()._sources(name)
        return self._read[name]


def target(runtime: str, architecture: Architecture | Literal["host"]) -> Target:
    """Return the target of *runtime*, such as python3.13, on *architecture*.

    The architecture "host" is that of this machine.
    """
    if architecture == HOST:
        return host()
    return Target(runtime.removeprefix("python"), architecture)


@functools.cache
def host() -> Target:
    """Return the target of this machine and interpreter."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Target(python, _MACHINES[os.uname().machine.lower()], host=True)


@functools.cache
def _abi() -> tuple[str, ...]:
    """Return the properties of this machine that compiled code depends on: ABI and C library."""
    try:
        libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, ValueError):  # Not GNU's: musl, or another system.
        libc = ""
    return (HOST, sys.platform, EXTENSION_SUFFIXES[0], libc)
