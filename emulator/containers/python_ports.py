"""Translate the ports of a task to ports of this machine, in the Python programs of its containers.

Every task of a service listens on the same port, and all tasks run on this machine. This module
is installed in the virtual environment of an image, with a .pth file that imports it when Python
starts. It changes the port of sockets that listen, or that connect to the loopback interface.
EMULATOR_PORTS has pairs such as 4567:40123, separated by commas. A socket listens on the loopback
interface only.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

VARIABLE = "EMULATOR_PORTS"
_LOOPBACK = {"127.0.0.1", "localhost", "::1", "::ffff:127.0.0.1"}
_ANY = {"", "0.0.0.0", "::"}  # noqa: S104  Addresses to replace.


def install() -> None:
    """Translate the ports in EMULATOR_PORTS, if the variable is set."""
    pairs = filter(None, os.environ.get(VARIABLE, "").split(","))
    ports = {int(pair.split(":")[0]): int(pair.split(":")[1]) for pair in pairs}
    if not ports:
        return
    bind, connect, connect_ex = (
        socket.socket.bind,
        socket.socket.connect,
        socket.socket.connect_ex,
    )

    def translated(connection: socket.socket, address: Any, hosts: set[str]) -> Any:
        families = {socket.AF_INET, socket.AF_INET6}
        if connection.family not in families or address[0] not in hosts or address[1] not in ports:
            return address
        host = "127.0.0.1" if connection.family == socket.AF_INET else "::ffff:127.0.0.1"
        return (host, ports[address[1]], *address[2:])

    replacements: dict[str, Callable[[socket.socket, Any], Any]] = {
        "bind": lambda self, address: bind(self, translated(self, address, _ANY | _LOOPBACK)),
        "connect": lambda self, address: connect(self, translated(self, address, _LOOPBACK)),
        "connect_ex": lambda self, address: connect_ex(self, translated(self, address, _LOOPBACK)),
    }
    for name, replacement in replacements.items():
        setattr(socket.socket, name, replacement)


install()
