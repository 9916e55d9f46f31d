"""The status of the emulator in a folder: process, files and sizes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from emulator import process
from emulator.paths import EmulatorPaths


@dataclass(frozen=True)
class Status:
    """The status of an emulator; *url*, *pid*, *since* and *isolation* are None if it is not running.

    *ca* is the certificate authority of its databases, for the libpq parameter sslrootcert.
    *isolation* is the isolation of functions: "namespaces", or "environment" if the machine does
    not allow namespaces and functions are separated only by their environment variables.
    """

    url: str | None
    pid: int | None
    since: str | None
    log: Path
    ca: Path
    state_bytes: int
    objects_bytes: int
    isolation: str | None


def status(folder: Path) -> Status:
    """Return the status of the emulator in *folder*."""
    paths = EmulatorPaths(folder)
    server = process.running(paths)
    return Status(
        url=server.url if server else None,
        pid=server.pid if server else None,
        since=server.since if server else None,
        log=paths.log,
        ca=paths.ca,
        state_bytes=paths.state.stat().st_size if paths.state.exists() else 0,
        objects_bytes=_bytes_below(paths.objects),
        isolation=server.isolation if server else None,
    )


def databases_bytes(folder: Path) -> int:
    """Return the size of the databases in *folder* in bytes."""
    return _bytes_below(EmulatorPaths(folder).databases)


def _bytes_below(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
