"""All databases of one emulator, on a thread of their own: the emulator may be busy meanwhile.

Every public method blocks until it is done; call them from a worker thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import logging
import shutil
import socket
import ssl
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from deployer.errors import EmulatorError
from emulator.postgres import binaries, rds_roles
from emulator.postgres.binaries import Kind
from emulator.postgres.event_loop_thread import Worker
from emulator.postgres.proxy import Front, Gate
from emulator.postgres.server import Connection, Place, Server, end

_log = logging.getLogger("emulator.postgres")
ADDRESS = "127.0.0.1"
_FIRST_PORT, _PORTS = 15_000, 15_000  # Below those that outgoing connections are given.


@dataclass(frozen=True)
class Wanted:
    """A database as it was asked for. *id* names its folder; *port* is 0 until it has one."""

    id: str
    port: int
    kind: Kind
    version: str
    master: str
    password: str = field(repr=False)
    database: str


class Databases:
    """Keeps the databases under *folder*; *ca* and *certificate* are files all of them share."""

    def __init__(self, folder: Path, *, ca: Path, certificate: Path) -> None:
        self._folder = folder
        self._files = (ca, certificate)
        self._open: dict[str, _Database] = {}
        self._worker = Worker("databases")

    def add(self, wanted: Wanted, gate: Gate, *, taken: set[int]) -> Wanted:
        """Make a database on a port that is free and not in *taken*; return it with its port."""
        return self._worker.run(lambda: self._add(wanted, gate, taken))

    def resume(self, kept: Iterable[tuple[Wanted, Gate]]) -> None:
        """Open what was there, on the ports it had, and remove what is not in *kept*.

        Connections are taken at once; they wait while PostgreSQL starts.
        """
        pairs = list(kept)
        forget(self._folder, keep={wanted.id for wanted, _ in pairs})
        if pairs:
            self._worker.run(lambda: self._resume(pairs))

    def set_password(self, one: str, master: str, password: str) -> None:
        """Give the master user of database *one* another password."""
        database = self._open[one]
        self._worker.run(lambda: database.run_sql(rds_roles.new_password(master, password)))

    def remove(self, one: str) -> None:
        """End database *one* and remove its data; fine if there is none."""
        if database := self._open.pop(one, None):
            self._worker.run(lambda: database.close(at_once=True))
        _remove(Place(self._folder / one))

    def close(self) -> None:
        """End all servers cleanly, and the thread."""
        if self._worker.runs:
            self._worker.run(self._close)
            self._worker.end()

    async def _add(self, wanted: Wanted, gate: Gate, taken: set[int]) -> Wanted:
        started = time.perf_counter()
        listener = _listen_anywhere(wanted.id, taken)
        given = replace(wanted, port=listener.getsockname()[1])
        database = self._open[given.id] = self._database(given, gate, listener)
        await database.open()
        server = await database.start()
        _log.info(
            "PostgreSQL %s (%s; version %s was asked for) on port %d, made in %.0f ms",
            *(server.version, given.kind, given.version, given.port),
            1000 * (time.perf_counter() - started),
        )
        return given

    async def _resume(self, pairs: list[tuple[Wanted, Gate]]) -> None:
        for wanted, gate in pairs:
            self._open[wanted.id] = self._database(wanted, gate, _listen(wanted))
        for database in self._open.values():
            await database.open()
            database.start_soon()

    async def _close(self) -> None:
        await asyncio.gather(*(one.close() for one in self._open.values()))
        self._open.clear()

    def _database(self, wanted: Wanted, gate: Gate, listener: socket.socket) -> _Database:
        place = Place(self._folder / wanted.id)
        return _Database(wanted, place, gate, listener=listener, tls=self._tls)

    @functools.cached_property
    def _tls(self) -> ssl.SSLContext:
        from emulator.postgres import certificate

        return certificate.context(*self._files)


class _Database:
    """One database: its server, started when first needed, and its front."""

    def __init__(
        self,
        wanted: Wanted,
        place: Place,
        gate: Gate,
        *,
        listener: socket.socket,
        tls: ssl.SSLContext,
    ) -> None:
        self._wanted = wanted
        self._place = place
        self._front = Front(listener, tls, gate, self.connect)
        self._server: Server | None = None
        self._starting = asyncio.Lock()
        self._soon: asyncio.Task[Server] | None = None

    async def open(self) -> None:
        await self._front.open()

    async def start(self) -> Server:
        """Return the server, running; made before if it never was."""
        async with self._starting:
            if self._server is None or not self._server.runs:
                self._server = await self._started()
            return self._server

    def start_soon(self) -> None:
        """Start it without waiting; a failure is told to whoever connects."""
        self._soon = asyncio.get_running_loop().create_task(self.start())

    async def close(self, *, at_once: bool = False) -> None:
        await self._front.close()
        if self._soon:
            await asyncio.wait([self._soon])
        if self._server:
            await self._server.stop(at_once=at_once)

    async def connect(self) -> Connection:
        """Connect to the server, started again if it crashed."""
        server = await self.start()
        try:
            return await server.connect()
        except (ConnectionRefusedError, FileNotFoundError):  # It crashed, and we do not know yet.
            await server.stop(at_once=True)
            return await (await self.start()).connect()

    async def run_sql(self, statement: str) -> None:
        await (await self.start()).run(statement)

    async def _started(self) -> Server:
        wanted, place = self._wanted, self._place
        if place.ready.exists():
            server = Server(place, binaries.again(wanted.kind, place.major))
            await server.start()
            return server
        _remove(place)
        place.folder.mkdir(mode=0o700, parents=True)
        server = Server(place, binaries.choose(wanted.kind, wanted.version))
        await server.initialise()
        await server.start()
        await server.run(*rds_roles.statements(wanted.master, wanted.password, wanted.database))
        place.ready.touch()
        return server


def forget(folder: Path, *, keep: set[str] | None = None) -> None:
    """Remove every database under *folder* but those of *keep*, whatever still runs."""
    for place in folder.iterdir() if folder.exists() else ():
        if place.name not in (keep or set()):
            _remove(Place(place))


def _remove(place: Place) -> None:
    if place.folder.exists():
        end(place)
        shutil.rmtree(place.folder)


def _listen_anywhere(seed: str, taken: set[int]) -> socket.socket:
    """Listen on a free port. Where the search begins depends on *seed*: checkouts rarely meet."""
    first = zlib.crc32(seed.encode()) % _PORTS
    for step in range(_PORTS):
        port = _FIRST_PORT + (first + step) % _PORTS
        with contextlib.suppress(_TakenError):
            if port not in taken:
                return _bound(port)
    raise EmulatorError("no port is free for a database", hint=f"{_FIRST_PORT} and up are taken")


def _listen(wanted: Wanted) -> socket.socket:
    """Listen on the port the database had: it stands in stack outputs."""
    try:
        return _bound(wanted.port)
    except _TakenError:
        message = f"port {wanted.port} of database {wanted.id} is taken"
        hint = "free it; or reset the emulator, and all it holds is gone"
        raise EmulatorError(message, hint=hint) from None


class _TakenError(Exception):
    pass


def _bound(port: int) -> socket.socket:
    # With the protocol named, asyncio sends small messages at once: else each log-in waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((ADDRESS, port))
    except OSError as error:
        listener.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise _TakenError from None
    listener.listen()  # Else somebody else could bind the port as well.
    return listener
