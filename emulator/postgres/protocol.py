"""The messages of PostgreSQL's protocol before the log-in is complete, as bytes.

Documented in PostgreSQL's manual, chapter Frontend/Backend Protocol, Message Formats.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass

PROTOCOL_3 = 3
SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CANCEL_REQUEST = 80877102
REFUSED = b"N"  # The response to SSL_REQUEST and GSS_REQUEST: no encryption.
ACCEPTED = b"S"

AUTHENTICATION = b"R"
ERROR_RESPONSE = b"E"
PASSWORD_MESSAGE = b"p"
READY_FOR_QUERY = b"Z"
NEGOTIATE_PROTOCOL_VERSION = b"v"  # Sent before any of the above.
CLEARTEXT_PASSWORD_REQUEST = AUTHENTICATION + struct.pack("!II", 8, 3)
AUTHENTICATION_OK = AUTHENTICATION + struct.pack("!II", 8, 0)

INVALID_AUTHORIZATION = "28000"  # invalid_authorization_specification
_MAX_STARTUP_BYTES = 10_000
_MAX_MESSAGE_BYTES = 65_535


class ProtocolError(Exception):
    """The other side does not follow PostgreSQL's protocol."""


@dataclass(frozen=True)
class StartupPacket:
    """The first packet of a client: a log-in, or a request for encryption or cancellation."""

    packet: bytes

    @property
    def code(self) -> int:
        """The code of the request, or the version of the protocol."""
        return int.from_bytes(self.packet[4:8])

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of a log-in; as in PostgreSQL, the last of two with one name is used."""
        parts = self.packet[8:].split(b"\0")
        pairs = zip(parts[0::2], parts[1::2], strict=False)
        return {_text(name): _text(value) for name, value in pairs if name}

    @property
    def user(self) -> str:
        """The user who logs in."""
        return self.parameters.get("user", "")

    @property
    def database(self) -> str:
        """The database; by default it has the name of the user."""
        return self.parameters.get("database", self.user)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


async def read_startup_packet(reader: asyncio.StreamReader) -> StartupPacket:
    """Read a client's first packet, or the next one after a request for encryption."""
    header = await reader.readexactly(8)
    length = int.from_bytes(header[:4])
    if not 8 <= length <= _MAX_STARTUP_BYTES:
        raise ProtocolError(f"startup packet of {length} bytes")
    packet = StartupPacket(header + await reader.readexactly(length - 8))
    known = {SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST}
    if packet.code not in known and packet.code >> 16 != PROTOCOL_3:
        raise ProtocolError(f"unknown protocol {packet.code}")
    return packet


async def read_message(reader: asyncio.StreamReader) -> bytes:
    """Read one message that is sent before the log-in is complete."""
    header = await reader.readexactly(5)
    length = int.from_bytes(header[1:])
    if not 4 <= length <= _MAX_MESSAGE_BYTES:
        raise ProtocolError(f"message of {length} bytes")
    return header + await reader.readexactly(length - 4)


def password(message: bytes) -> str:
    """Return the password in a PasswordMessage."""
    if message[:1] != PASSWORD_MESSAGE:
        raise ProtocolError("expected a PasswordMessage")
    return _text(message[5:].rstrip(b"\0"))


def fatal_error(message: str, code: str = INVALID_AUTHORIZATION) -> bytes:
    """Return an ErrorResponse of severity FATAL, which ends the connection."""
    fields = {"S": "FATAL", "V": "FATAL", "C": code, "M": message}
    body = b"".join(f"{key}{text}\0".encode() for key, text in fields.items()) + b"\0"
    return ERROR_RESPONSE + struct.pack("!I", len(body) + 4) + body


def startup_message(user: str, database: str) -> bytes:
    """Return the startup packet of a log-in."""
    body = f"user\0{user}\0database\0{database}\0\0".encode()
    return struct.pack("!II", len(body) + 8, PROTOCOL_3 << 16) + body


def query(sql: str) -> bytes:
    """Return a Query message (simple query)."""
    body = sql.encode() + b"\0"
    return b"Q" + struct.pack("!I", len(body) + 4) + body


def error_message(error: bytes) -> str:
    """Return the message in an ErrorResponse."""
    fields = {part[:1]: part[1:] for part in error[5:].split(b"\0") if part}
    return _text(fields.get(b"M", b"?"))
