"""TCP ports of databases."""

from __future__ import annotations

from contextlib import closing

import pytest

from deployer.errors import EmulatorError
from emulator.postgres import ports


def test_free_port() -> None:
    """If the first port of a seed is used by a database or a program, the next port is returned."""
    with closing(ports.listen_on_free_port("seed", set())) as first:
        port = first.getsockname()[1]
        with closing(ports.listen_on_free_port("seed", set())) as second:
            assert port != second.getsockname()[1]

    with closing(ports.listen_on_free_port("seed", {port})) as third:
        assert port != third.getsockname()[1]


def test_port_in_use() -> None:
    """If another program uses the port of a database, the error names both."""
    with closing(ports.listen_on_free_port("seed", set())) as listener:
        port = listener.getsockname()[1]

        with pytest.raises(EmulatorError, match=f"port {port} of database db-1 is in use"):
            ports.listen_again("db-1", port)


def test_same_port_again() -> None:
    """A database listens on its port again after a restart."""
    with closing(ports.listen_on_free_port("seed", set())) as listener:
        port = listener.getsockname()[1]

    with closing(ports.listen_again("db-1", port)) as listener:
        assert port == listener.getsockname()[1]
