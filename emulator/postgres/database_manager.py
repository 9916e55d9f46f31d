"""Create, resume and remove the databases of one emulator.

The databases run on a separate thread, because the emulator's event loop may be busy. Every public
method blocks until it is done, so it must be called from a worker thread.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from emulator.postgres import database, ports, rds_roles
from emulator.postgres.database import Database, DatabaseSettings
from emulator.postgres.event_loop_thread import EventLoopThread
from emulator.postgres.paths import DatabasePaths
from emulator.postgres.proxy import AuthPolicy

_log = logging.getLogger("emulator.postgres")


class DatabaseManager:
    """The databases below *folder*, which share the files *ca* and *certificate*."""

    def __init__(self, folder: Path, *, ca: Path, certificate: Path) -> None:
        self._folder = folder
        self._tls_files = (ca, certificate)
        self._databases: dict[str, Database] = {}
        self._thread = EventLoopThread("databases")

    def add(
        self, settings: DatabaseSettings, policy: AuthPolicy, *, used_ports: set[int]
    ) -> DatabaseSettings:
        """Create a database on a free port that is not in *used_ports*; return its settings."""
        return self._thread.run(lambda: self._add(settings, policy, used_ports))

    def resume(self, stored: Iterable[tuple[DatabaseSettings, AuthPolicy]]) -> None:
        """Start the *stored* databases on the ports that they had, and delete all others.

        Connections are accepted immediately; they wait while PostgreSQL starts.
        """
        pairs = list(stored)
        delete_all(self._folder, keep={settings.id for settings, _ in pairs})
        if pairs:
            self._thread.run(lambda: self._resume(pairs))

    def set_password(self, database_id: str, master_user: str, password: str) -> None:
        """Change the password of the master user of a database."""
        changed = self._databases[database_id]
        statement = rds_roles.set_password(master_user, password)
        self._thread.run(lambda: changed.run_sql(statement))

    def remove(self, database_id: str) -> None:
        """Stop a database and delete its data, if it exists."""
        if removed := self._databases.pop(database_id, None):
            self._thread.run(lambda: removed.close(immediately=True))
        database.delete(DatabasePaths(self._folder / database_id))

    def close(self) -> None:
        """Stop all servers cleanly, then the thread."""
        if self._thread.is_running:
            self._thread.run(self._close)
            self._thread.stop()

    async def _add(
        self, settings: DatabaseSettings, policy: AuthPolicy, used_ports: set[int]
    ) -> DatabaseSettings:
        started = time.perf_counter()
        listener = ports.listen_on_free_port(settings.id, used_ports)
        settings = replace(settings, port=listener.getsockname()[1])
        added = self._databases[settings.id] = self._database(settings, policy, listener)
        await added.open()
        server = await added.start()
        _log.info(
            "PostgreSQL %s (%s; requested version: %s) on port %d, created in %.0f ms",
            *(server.version, settings.kind, settings.version, settings.port),
            1000 * (time.perf_counter() - started),
        )
        return settings

    async def _resume(self, pairs: list[tuple[DatabaseSettings, AuthPolicy]]) -> None:
        for settings, policy in pairs:
            listener = ports.listen_again(settings.id, settings.port)
            self._databases[settings.id] = self._database(settings, policy, listener)
        for resumed in self._databases.values():
            await resumed.open()
            resumed.start_in_background()

    async def _close(self) -> None:
        await asyncio.gather(*(closed.close() for closed in self._databases.values()))
        self._databases.clear()

    def _database(
        self, settings: DatabaseSettings, policy: AuthPolicy, listener: socket.socket
    ) -> Database:
        paths = DatabasePaths(self._folder / settings.id)
        return Database(settings, paths, policy, listener=listener, tls=self._tls)

    @functools.cached_property
    def _tls(self) -> ssl.SSLContext:
        from emulator.postgres import certificate  # trustme takes 50 ms to import.

        return certificate.server_context(*self._tls_files)


def delete_all(folder: Path, *, keep: set[str] | None = None) -> None:
    """Stop and delete every database below *folder* whose id is not in *keep*."""
    for path in folder.iterdir() if folder.exists() else ():
        if path.name not in (keep or set()):
            database.delete(DatabasePaths(path))
