"""One database: its PostgreSQL server, started when it is first needed, and its proxy."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
from dataclasses import dataclass, field

from emulator.postgres import binaries, rds_roles
from emulator.postgres.binaries import Kind
from emulator.postgres.paths import DatabasePaths
from emulator.postgres.proxy import AuthPolicy, Proxy
from emulator.postgres.server import Connection, Server, terminate


@dataclass(frozen=True)
class DatabaseSettings:
    """The settings of a database. *id* is the name of its folder; *port* is 0 for a new database."""

    id: str
    port: int
    kind: Kind
    version: str
    master_user: str
    password: str = field(repr=False)
    database: str


class Database:
    """A PostgreSQL server and the proxy in front of it."""

    def __init__(
        self,
        settings: DatabaseSettings,
        paths: DatabasePaths,
        policy: AuthPolicy,
        *,
        listener: socket.socket,
        tls: ssl.SSLContext,
    ) -> None:
        self._settings = settings
        self._paths = paths
        self._proxy = Proxy(listener, tls, policy, self.connect)
        self._server: Server | None = None
        self._start_lock = asyncio.Lock()
        self._start_task: asyncio.Task[Server] | None = None

    async def open(self) -> None:
        """Accept connections, which wait until the server has started."""
        await self._proxy.open()

    async def start(self) -> Server:
        """Return the server; start it if it is not running, and create it if it does not exist."""
        async with self._start_lock:
            if self._server is None or not self._server.is_running:
                self._server = await self._start_server()
            return self._server

    def start_in_background(self) -> None:
        """Start the server without waiting; clients get the error if it fails."""
        self._start_task = asyncio.get_running_loop().create_task(self.start())

    async def close(self, *, immediately: bool = False) -> None:
        """Close all connections and stop the server."""
        await self._proxy.close()
        if self._start_task:
            await asyncio.wait([self._start_task])
        if self._server:
            await self._server.stop(immediately=immediately)

    async def connect(self) -> Connection:
        """Connect to the server; restart it if it has crashed."""
        server = await self.start()
        try:
            return await server.connect()
        except (ConnectionRefusedError, FileNotFoundError):
            # The server has crashed, but its exit status is not known yet.
            await server.stop(immediately=True)
            return await (await self.start()).connect()

    async def run_sql(self, statement: str) -> None:
        """Run *statement* as the superuser."""
        await (await self.start()).run_sql(statement)

    async def _start_server(self) -> Server:
        settings, paths = self._settings, self._paths
        if paths.complete.exists():
            installed = binaries.find_major(settings.kind, paths.major_version)
            server = Server(paths, installed)
            await server.start()
            return server
        delete(paths)
        paths.folder.mkdir(mode=0o700, parents=True)
        server = Server(paths, binaries.find(settings.kind, settings.version))
        await server.initialize()
        await server.start()
        await server.run_sql(
            *rds_roles.statements(settings.master_user, settings.password, settings.database)
        )
        paths.complete.touch()
        return server


def delete(paths: DatabasePaths) -> None:
    """Stop the database in the folder of *paths*, if there is one, and delete its data."""
    if paths.folder.exists():
        terminate(paths)
        shutil.rmtree(paths.folder)
