"""Give each task ports of this machine for the ports of its containers."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

from deployer.files import write_atomically
from emulator.containers import python_ports

_MODULE = "emulator_ports"


def free_ports(ports: Iterable[int]) -> dict[int, int]:
    """Return a free port of the loopback interface for each of *ports*."""
    listeners = {}
    for port in ports:
        listeners[port] = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listeners[port].bind(("127.0.0.1", 0))
    found = {port: listener.getsockname()[1] for port, listener in listeners.items()}
    for listener in listeners.values():
        listener.close()
    return found


def variables(ports: Mapping[int, int]) -> dict[str, str]:
    """Return the environment variable that makes Python programs use *ports*."""
    return {
        python_ports.VARIABLE: ",".join(f"{port}:{host_port}" for port, host_port in ports.items())
    }


def install(packages: Path) -> None:
    """Install the module that translates ports in a virtual environment, unless it is installed."""
    source = Path(python_ports.__file__).read_text(encoding="utf-8")
    for folder in packages.glob("lib/python*/site-packages"):
        for name, text in {
            f"{_MODULE}.py": source,
            f"{_MODULE}.pth": f"import {_MODULE}\n",
        }.items():
            file = folder / name
            if not file.exists() or file.read_text(encoding="utf-8") != text:
                write_atomically(file, text)
