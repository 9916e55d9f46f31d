"""Listen on the TCP ports of databases."""

from __future__ import annotations

import contextlib
import errno
import socket
import zlib

from deployer.errors import EmulatorError

ADDRESS = "127.0.0.1"
_FIRST_PORT, _PORT_COUNT = 15_000, 15_000  # Below the ephemeral ports of outgoing connections.


class PortInUseError(Exception):
    """Another program uses the port."""


def listen_on_free_port(seed: str, used: set[int]) -> socket.socket:
    """Listen on a free port that is not in *used*.

    The first port that is tried depends on *seed*, so that checkouts rarely choose the same one.
    """
    first = zlib.crc32(seed.encode()) % _PORT_COUNT
    for step in range(_PORT_COUNT):
        port = _FIRST_PORT + (first + step) % _PORT_COUNT
        with contextlib.suppress(PortInUseError):
            if port not in used:
                return _bind(port)
    last = _FIRST_PORT + _PORT_COUNT - 1
    hint = f"stop programs that use ports between {_FIRST_PORT} and {last}"
    raise EmulatorError("no port is free for a database", hint=hint)


def listen_again(database_id: str, port: int) -> socket.socket:
    """Listen on the *port* that a database had before: stack outputs contain it."""
    try:
        return _bind(port)
    except PortInUseError:
        message = f"port {port} of database {database_id} is in use"
        hint = "stop the program that uses it, or delete all data: ./inv emulator.reset"
        raise EmulatorError(message, hint=hint) from None


def _bind(port: int) -> socket.socket:
    # asyncio disables Nagle's algorithm only if the protocol is given; otherwise each log-in takes
    # 40 ms longer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((ADDRESS, port))
    except OSError as error:
        listener.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortInUseError from None
    listener.listen()  # Before this, another socket with SO_REUSEADDR could bind the port.
    return listener
