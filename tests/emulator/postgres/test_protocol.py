"""Messages of PostgreSQL's protocol."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import pytest

from emulator.postgres import protocol


def read(function: Any, data: bytes) -> Any:
    """Return the result of a function that reads *data*."""

    async def run() -> Any:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        return await function(reader)

    return asyncio.run(run())


def test_startup_message() -> None:
    """A startup message that was written has its user and database when it is read."""
    packet = read(protocol.read_startup_packet, protocol.startup_message("ada", "cruddur"))

    assert (packet.user, packet.database) == ("ada", "cruddur")


def test_default_database() -> None:
    """Without a database in the startup message, the database has the name of the user."""
    body = b"user\0ada\0\0"
    data = struct.pack("!II", len(body) + 8, protocol.PROTOCOL_3 << 16) + body

    assert read(protocol.read_startup_packet, data).database == "ada"


def test_duplicate_parameter() -> None:
    """The last of two users in a startup message is used, as in PostgreSQL."""
    body = b"user\0ada\0user\0rdsadmin\0\0"
    data = struct.pack("!II", len(body) + 8, protocol.PROTOCOL_3 << 16) + body

    assert read(protocol.read_startup_packet, data).user == "rdsadmin"


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("!II", 7, protocol.SSL_REQUEST),
        struct.pack("!II", 10_001, protocol.PROTOCOL_3 << 16),
        struct.pack("!II", 8, 2 << 16),
        b"GET / HTTP/1.1\r\n",
    ],
    ids=["too short", "too long", "another version", "HTTP"],
)
def test_invalid_startup_packet(data: bytes) -> None:
    """A packet of another length or protocol is refused without reading more."""
    with pytest.raises(protocol.ProtocolError):
        read(protocol.read_startup_packet, data)


@pytest.mark.parametrize("length", [3, 65_536])
def test_invalid_message(length: int) -> None:
    """A message that is too short or too long is refused without reading it."""
    with pytest.raises(protocol.ProtocolError):
        read(protocol.read_message, b"p" + struct.pack("!I", length))


def test_password() -> None:
    """The password is the text of a PasswordMessage; other messages are refused."""
    assert protocol.password(b"p" + struct.pack("!I", 11) + b"secret\0") == "secret"
    with pytest.raises(protocol.ProtocolError):
        protocol.password(protocol.query("SELECT 1"))


def test_fatal_error() -> None:
    """An error that was written has its message when it is read."""
    message = read(protocol.read_message, protocol.fatal_error("not allowed"))

    assert message[:1] == protocol.ERROR_RESPONSE
    assert protocol.error_message(message) == "not allowed"
