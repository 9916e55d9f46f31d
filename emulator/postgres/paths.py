"""The files of one database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DatabasePaths:
    """The paths of the files in the folder of one database."""

    folder: Path

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder, which also contains its socket."""
        return self.folder / "data"

    @property
    def lock(self) -> Path:
        """The lock that every process of the server holds."""
        return self.folder / "lock"

    @property
    def log(self) -> Path:
        """The server's log since its last start."""
        return self.folder / "postgres.log"

    @property
    def complete(self) -> Path:
        """A file that exists if the database is complete; without it, the database is created again."""
        return self.folder / "ready"

    @property
    def pid(self) -> int | None:
        """The process id of the server, which is valid only while the lock is held."""
        try:
            return int((self.data / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError):
            return None

    @property
    def major_version(self) -> int:
        """The major version of PostgreSQL that can read the data folder."""
        return int((self.data / "PG_VERSION").read_text())
