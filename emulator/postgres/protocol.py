"""The beginnings of a PostgreSQL conversation, as bytes: who wants to log in, and what is answered.

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
NO = b"N"  # To either request: go on without.
YES = b"S"

AUTHENTICATION = b"R"
ERROR = b"E"
PASSWORD = b"p"
READY = b"Z"
OTHER_VERSION = b"v"  # NegotiateProtocolVersion, before any of the above.
ASK_PASSWORD = AUTHENTICATION + struct.pack("!II", 8, 3)
LOGGED_IN = AUTHENTICATION + struct.pack("!II", 8, 0)

NOT_ALLOWED = "28000"  # invalid_authorization_specification
_LONGEST_START = 10_000
_LONGEST_PASSWORD = 65_535


class BrokenTalkError(Exception):
    """Somebody does not speak PostgreSQL's protocol, or stopped in the middle of it."""


@dataclass(frozen=True)
class Start:
    """The first packet: a request by number, or who wants to log in where."""

    packet: bytes

    @property
    def code(self) -> int:
        """Which request it is, or the protocol's version."""
        return int.from_bytes(self.packet[4:8])

    @property
    def parameters(self) -> dict[str, str]:
        """What a log-in names; of a name given twice the last counts, as for PostgreSQL."""
        parts = self.packet[8:].split(b"\0")
        pairs = zip(parts[0::2], parts[1::2], strict=False)
        return {name.decode("utf-8", "replace"): _text(value) for name, value in pairs if name}

    @property
    def user(self) -> str:
        """Who logs in."""
        return self.parameters.get("user", "")

    @property
    def database(self) -> str:
        """Where to; without a name, the one called like the user."""
        return self.parameters.get("database", self.user)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


async def read_start(reader: asyncio.StreamReader) -> Start:
    """Read a client's first packet, or its next one after a refused request."""
    head = await reader.readexactly(8)
    length = int.from_bytes(head[:4])
    if not 8 <= length <= _LONGEST_START:
        raise BrokenTalkError(f"a first packet of {length} bytes")
    start = Start(head + await reader.readexactly(length - 8))
    known = {SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST}
    if start.code not in known and start.code >> 16 != PROTOCOL_3:
        raise BrokenTalkError(f"protocol {start.code}")
    return start


async def read_message(reader: asyncio.StreamReader) -> bytes:
    """Read one message that comes before the log-in is done."""
    head = await reader.readexactly(5)
    length = int.from_bytes(head[1:])
    if not 4 <= length <= _LONGEST_PASSWORD:
        raise BrokenTalkError(f"a message of {length} bytes")
    return head + await reader.readexactly(length - 4)


def password(message: bytes) -> str:
    """Return the password of a PasswordMessage."""
    if message[:1] != PASSWORD:
        raise BrokenTalkError("a password was asked for, something else came")
    return _text(message[5:].rstrip(b"\0"))


def fatal(message: str, code: str = NOT_ALLOWED) -> bytes:
    """Return PostgreSQL's way of saying no for good."""
    fields = {"S": "FATAL", "V": "FATAL", "C": code, "M": message}
    body = b"".join(f"{key}{text}\0".encode() for key, text in fields.items()) + b"\0"
    return ERROR + struct.pack("!I", len(body) + 4) + body


def log_in(user: str, database: str) -> bytes:
    """Return the first packet of a client of ours."""
    body = f"user\0{user}\0database\0{database}\0\0".encode()
    return struct.pack("!II", len(body) + 8, PROTOCOL_3 << 16) + body


def query(sql: str) -> bytes:
    """Return a simple query."""
    body = sql.encode() + b"\0"
    return b"Q" + struct.pack("!I", len(body) + 4) + body


def told(error: bytes) -> str:
    """Return the message of an ErrorResponse."""
    fields = {part[:1]: part[1:] for part in error[5:].split(b"\0") if part}
    return _text(fields.get(b"M", b"?"))
