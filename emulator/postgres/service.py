"""The databases of this process's emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.errors import EmulatorError
from emulator.postgres.database_manager import DatabaseManager

if TYPE_CHECKING:
    from emulator.paths import EmulatorPaths
    from emulator.postgres.binaries import Kind

_configured: list[tuple[EmulatorPaths, DatabaseManager]] = []  # Empty, or one pair.


def configure(paths: EmulatorPaths) -> None:
    """Use the folder of *paths* for databases."""
    manager = DatabaseManager(paths.databases, ca=paths.ca, certificate=paths.certificate)
    _configured[:] = [(paths, manager)]


def manager() -> DatabaseManager:
    """Return the manager of this process's databases."""
    if not _configured:
        raise EmulatorError("this process is not the emulator's server")
    return _configured[0][1]


def selected_kind() -> Kind:
    """Return the PostgreSQL for new databases: the bundled one unless "system" was selected."""
    file = _configured[0][0].postgres
    return "system" if file.exists() and file.read_text().strip() == "system" else "bundled"


def resume() -> None:
    """Start the databases of the DB instances in the loaded state."""
    from emulator.postgres import instances  # Imports MiniStack, which needs its environment.

    manager().resume(instances.stored_databases())


def close() -> None:
    """Stop all servers; their data is kept."""
    manager().close()
