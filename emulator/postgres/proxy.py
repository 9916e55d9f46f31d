"""Stands before one database on its port: TLS, forced or not, and tokens for members of rds_iam.

A client is led up to PostgreSQL's own answer. Does PostgreSQL ask for a password, it is between
the two of them. Does it let the user in at once, the user is a member of rds_iam (see server.py),
and has to show a token first, the way RDS asks for it: as a clear-text password inside TLS.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from deployer.errors import EmulatorError
from emulator.postgres import protocol
from emulator.postgres.server import ADMIN, Connection

_log = logging.getLogger("emulator.postgres")
_CHUNK_BYTES = 65_536
_LOG_IN_SECONDS = 60.0  # PostgreSQL's authentication_timeout.
_NOT_NOW = "57P03"  # cannot_connect_now


class Gate(Protocol):
    """What RDS knows of a database and PostgreSQL does not."""

    def forces_tls(self) -> bool:
        """Whether a connection has to be encrypted."""

    def refusal(self, user: str, token: str) -> str | None:
        """Say why *token* does not let *user* in; None if it does."""


@dataclass
class _Client:
    """Who came; *encrypted* once it is."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    encrypted: bool = False

    async def say(self, message: bytes) -> None:
        self.writer.write(message)
        await self.writer.drain()


class Front:
    """Answers on *listener*; *connect* leads to the server behind, started if need be."""

    def __init__(
        self,
        listener: socket.socket,
        tls: ssl.SSLContext,
        gate: Gate,
        connect: Callable[[], Awaitable[Connection]],
    ) -> None:
        self._listener = listener
        self._tls = tls
        self._gate = gate
        self._connect = connect
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Take connections from now on."""
        self._server = await asyncio.start_server(self._take, sock=self._listener)

    async def close(self) -> None:
        """Take no more, and end those there are."""
        if self._server:
            self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.get_running_loop().create_task(self._talk(_Client(reader, writer)))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _talk(self, client: _Client) -> None:
        """Log one client in and pass on what both sides say, until one of them ends."""
        try:
            if start := await self._wanted(client):
                reader, writer = await self._connect()
                with closing(writer):
                    writer.write(start.packet)
                    if await self._logged_in(client, reader, start):
                        await _pass_on(client, (reader, writer))
        except (OSError, EOFError, TimeoutError, protocol.BrokenTalkError) as error:
            _log.info("a client of port %d went: %r", self._port, error)
        except EmulatorError as error:
            _log.error("port %d: %s", self._port, error)
            client.writer.write(protocol.fatal(error.message, _NOT_NOW))
        finally:
            client.writer.close()

    @property
    def _port(self) -> int:
        return int(self._listener.getsockname()[1])

    async def _wanted(self, client: _Client) -> protocol.Start | None:
        """Return the log-in *client* wants; None if there is nothing left to do for it."""
        async with asyncio.timeout(_LOG_IN_SECONDS):
            start = await self._greeted(client)
        if start.code == protocol.CANCEL_REQUEST:
            await self._cancel(start)
            return None
        if refused := self._refusal(start, encrypted=client.encrypted):
            await client.say(protocol.fatal(refused))
            return None
        return start

    async def _greeted(self, client: _Client) -> protocol.Start:
        """Read what the client wants, encrypted if it asks for that first."""
        while (start := await protocol.read_start(client.reader)).code in _REQUESTS:
            if start.code == protocol.SSL_REQUEST and not client.encrypted:
                await client.say(protocol.YES)
                await client.writer.start_tls(self._tls)
                client.encrypted = True
            else:
                await client.say(protocol.NO)
        return start

    async def _cancel(self, start: protocol.Start) -> None:
        """Hand on a request to cancel; PostgreSQL checks the key in it and answers nothing."""
        reader, writer = await self._connect()
        with closing(writer):
            writer.write(start.packet)
            await reader.read()

    def _refusal(self, start: protocol.Start, *, encrypted: bool) -> str | None:
        """Say, in PostgreSQL's words, whom pg_hba.conf of RDS does not let in."""
        how = "SSL encryption" if encrypted else "no encryption"
        who = f'host "127.0.0.1", user "{start.user}", database "{start.database}", {how}'
        if start.user == ADMIN:
            return f"pg_hba.conf rejects connection for {who}"
        if not encrypted and self._gate.forces_tls():
            return f"no pg_hba.conf entry for {who}"
        return None

    async def _logged_in(
        self, client: _Client, server: asyncio.StreamReader, start: protocol.Start
    ) -> bool:
        """Pass on what the server asks *client*, unless it asks nothing: then we ask."""
        while (message := await protocol.read_message(server))[:1] == protocol.OTHER_VERSION:
            await client.say(message)
        if message == protocol.LOGGED_IN and not await self._shows_token(client, start):
            return False
        await client.say(message)
        return True

    async def _shows_token(self, client: _Client, start: protocol.Start) -> bool:
        """Ask a member of rds_iam for a token, and tell it no more than RDS does if it is wrong."""
        await client.say(protocol.ASK_PASSWORD)
        async with asyncio.timeout(_LOG_IN_SECONDS):
            token = protocol.password(await protocol.read_message(client.reader))
        refused = "not encrypted" if not client.encrypted else None
        refused = refused or self._gate.refusal(start.user, token)
        if refused is None:
            return True
        _log.warning("port %d: no token for %s: %s", self._port, start.user, refused)
        await client.say(protocol.fatal(f'PAM authentication failed for user "{start.user}"'))
        return False


_REQUESTS = {protocol.SSL_REQUEST, protocol.GSS_REQUEST}


async def _pass_on(client: _Client, server: Connection) -> None:
    """Carry bytes both ways until either side ends."""
    reader, writer = server
    ways = [
        asyncio.create_task(_carry(client.reader, writer)),
        asyncio.create_task(_carry(reader, client.writer)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
