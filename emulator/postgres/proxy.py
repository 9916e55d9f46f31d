"""The proxy on the TCP port of a database: TLS, and authentication tokens for members of rds_iam.

The proxy passes the log-in of a client to PostgreSQL. If PostgreSQL requests a password, the proxy
relays the request and the response. If PostgreSQL accepts the user without a password, the user is
a member of rds_iam (see server.py). The proxy then requests a token as RDS does: as a clear-text
password inside TLS.
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
from emulator.postgres.server import SUPERUSER, Connection

_log = logging.getLogger("emulator.postgres")
_CHUNK_BYTES = 65_536
_LOG_IN_SECONDS = 60.0  # PostgreSQL's authentication_timeout.
_CANNOT_CONNECT_NOW = "57P03"
_ENCRYPTION_REQUESTS = {protocol.SSL_REQUEST, protocol.GSS_REQUEST}


class AuthPolicy(Protocol):
    """The access rules of a DB instance that RDS applies in addition to those of PostgreSQL."""

    def requires_tls(self) -> bool:
        """Return whether connections must be encrypted."""

    def token_error(self, user: str, token: str) -> str | None:
        """Return why *token* is not valid for *user*; None if it is valid."""


@dataclass
class _Client:
    """A connection of a client."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    is_encrypted: bool = False

    async def send(self, message: bytes) -> None:
        self.writer.write(message)
        await self.writer.drain()


class Proxy:
    """Accepts clients on *listener*; *connect* opens a connection to the PostgreSQL server."""

    def __init__(
        self,
        listener: socket.socket,
        tls: ssl.SSLContext,
        policy: AuthPolicy,
        connect: Callable[[], Awaitable[Connection]],
    ) -> None:
        self._listener = listener
        self._tls = tls
        self._policy = policy
        self._connect = connect
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Accept connections from now on."""
        self._server = await asyncio.start_server(self._accept, sock=self._listener)

    async def close(self) -> None:
        """Accept no more connections, and close the open ones."""
        if self._server:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._handle(_Client(reader, writer)))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _handle(self, client: _Client) -> None:
        """Log in one client, then relay bytes until either side closes the connection."""
        try:
            if log_in := await self._read_log_in(client):
                reader, writer = await self._connect()
                with closing(writer):
                    writer.write(log_in.packet)
                    if await self._authenticate(client, reader, log_in):
                        await _relay(client, (reader, writer))
        except (OSError, EOFError, TimeoutError, protocol.ProtocolError) as error:
            _log.info("port %d: connection closed: %r", self._port, error)
        except EmulatorError as error:
            _log.error("port %d: %s", self._port, error)
            client.writer.write(protocol.fatal_error(error.message, _CANNOT_CONNECT_NOW))
        finally:
            client.writer.close()

    @property
    def _port(self) -> int:
        return int(self._listener.getsockname()[1])

    async def _read_log_in(self, client: _Client) -> protocol.StartupPacket | None:
        """Return the log-in of *client*; None if it cancels a query or is refused."""
        async with asyncio.timeout(_LOG_IN_SECONDS):
            packet = await self._negotiate_encryption(client)
        if packet.code == protocol.CANCEL_REQUEST:
            await self._cancel(packet)
            return None
        if refusal := self._refusal(packet, is_encrypted=client.is_encrypted):
            await client.send(protocol.fatal_error(refusal))
            return None
        return packet

    async def _negotiate_encryption(self, client: _Client) -> protocol.StartupPacket:
        """Start TLS if the client requests it; return its first packet after that."""
        while (packet := await protocol.read_startup_packet(client.reader)).code in (
            _ENCRYPTION_REQUESTS
        ):
            if packet.code == protocol.SSL_REQUEST and not client.is_encrypted:
                await client.send(protocol.ACCEPTED)
                await client.writer.start_tls(self._tls)
                client.is_encrypted = True
            else:
                await client.send(protocol.REFUSED)
        return packet

    async def _cancel(self, packet: protocol.StartupPacket) -> None:
        """Pass on a request to cancel a query; PostgreSQL checks its key and does not respond."""
        reader, writer = await self._connect()
        with closing(writer):
            writer.write(packet.packet)
            await reader.read()

    def _refusal(self, packet: protocol.StartupPacket, *, is_encrypted: bool) -> str | None:
        """Return PostgreSQL's message if RDS's pg_hba.conf refuses the log-in; None otherwise."""
        encryption = "SSL encryption" if is_encrypted else "no encryption"
        log_in = (
            f'host "127.0.0.1", user "{packet.user}", database "{packet.database}", {encryption}'
        )
        if packet.user == SUPERUSER:
            return f"pg_hba.conf rejects connection for {log_in}"
        if not is_encrypted and self._policy.requires_tls():
            return f"no pg_hba.conf entry for {log_in}"
        return None

    async def _authenticate(
        self, client: _Client, server: asyncio.StreamReader, log_in: protocol.StartupPacket
    ) -> bool:
        """Relay the server's first message; return False if the log-in is refused.

        If the server accepts the user without a password, a token is required first.
        """
        while (message := await protocol.read_message(server))[:1] == (
            protocol.NEGOTIATE_PROTOCOL_VERSION
        ):
            await client.send(message)
        if message == protocol.AUTHENTICATION_OK and not await self._check_token(client, log_in):
            return False
        await client.send(message)
        return True

    async def _check_token(self, client: _Client, log_in: protocol.StartupPacket) -> bool:
        """Request a token; like RDS, do not reveal to the client why a token is not valid."""
        await client.send(protocol.CLEARTEXT_PASSWORD_REQUEST)
        async with asyncio.timeout(_LOG_IN_SECONDS):
            token = protocol.password(await protocol.read_message(client.reader))
        error = "not encrypted" if not client.is_encrypted else None
        error = error or self._policy.token_error(log_in.user, token)
        if error is None:
            return True
        _log.warning("port %d: token of %s refused: %s", self._port, log_in.user, error)
        message = f'PAM authentication failed for user "{log_in.user}"'
        await client.send(protocol.fatal_error(message))
        return False


async def _relay(client: _Client, server: Connection) -> None:
    """Relay bytes in both directions until either side closes the connection."""
    reader, writer = server
    directions = [
        asyncio.create_task(_copy(client.reader, writer)),
        asyncio.create_task(_copy(reader, client.writer)),
    ]
    try:
        await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for direction in directions:
            direction.cancel()
        await asyncio.gather(*directions, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
