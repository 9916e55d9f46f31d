"""Start, find, stop and reset the emulator of a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from emulator import admin, process
from emulator.access import secret
from emulator.endpoint import ACCOUNT, Endpoint
from emulator.paths import EmulatorPaths
from emulator.prerequisites import Prerequisites

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_NO_PREREQUISITES = Prerequisites()


def start(
    folder: Path,
    *,
    account: str = ACCOUNT,
    prerequisites: Prerequisites = _NO_PREREQUISITES,
    origins: Collection[str] = (),
    postgres: Literal["bundled", "system"] = "bundled",
) -> Endpoint:
    """Start the emulator of *folder* if it is not running, and create *prerequisites* in *account*.

    A running emulator is restarted if its code differs from the code in the checkout.
    Web pages of *origins* may send requests, like pages of the local site.
    *postgres* selects the PostgreSQL of new databases: the one that pip installed, or the
    one that is installed on the machine. Existing databases keep the PostgreSQL that created them.
    """
    paths = EmulatorPaths(folder)
    endpoint = _endpoint(process.start(paths), paths, account)
    paths.refuse_links()
    _select_postgres(postgres, paths.postgres)
    if prerequisites != _NO_PREREQUISITES:
        admin.create_prerequisites(endpoint, prerequisites)
    if origins:
        admin.allow(endpoint, origins=origins)
    return endpoint


def running(folder: Path, *, account: str = ACCOUNT) -> Endpoint | None:
    """Return the endpoint of the emulator of *folder* if it is running and responds."""
    paths = EmulatorPaths(folder)
    server = process.running(paths)
    return _endpoint(server, paths, account) if server else None


def stop(folder: Path) -> bool:
    """Save the state and stop the emulator of *folder*; return False if it was not running."""
    return process.stop(EmulatorPaths(folder))


def reset(folder: Path) -> None:
    """Stop the emulator of *folder* and delete its data, but keep its port and secret.

    The port is kept because stack outputs and environment files of the application contain it.
    """
    # Imported here because only a reset needs it, and the import takes 50 ms.
    from emulator.postgres.database_manager import delete_all

    paths = EmulatorPaths(folder)
    paths.refuse_links()
    process.stop(paths)
    paths.refuse_links()
    delete_all(paths.databases)
    paths.delete_data()


def _select_postgres(selected: str, file: Path) -> None:
    """Write the selected PostgreSQL to *file* if it changes; without a file, "bundled" is selected."""
    if selected != (file.read_text().strip() if file.exists() else "bundled"):
        file.write_text(f"{selected}\n")


def _endpoint(server: process.Server, paths: EmulatorPaths, account: str) -> Endpoint:
    return Endpoint(server.url, account, access_key=account, secret_key=secret.read(paths.secret))
