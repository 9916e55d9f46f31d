"""Databases across restarts, kills and crashes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

import emulator
from tests.emulator.databases import (
    DeployedDatabase,
    database,
    processes,
    stack,
)
from tests.emulator.own_emulator import wait_until
from tests.emulator_server import Aws


@pytest.fixture
def deep_folder(tmp_path: Path):
    """A folder for an emulator with a path that is too long for a socket."""
    folder = tmp_path / ("deep" * 25) / ".emulator"
    yield folder
    emulator.stop(folder)


def test_restart_and_kill(deep_folder: Path) -> None:
    """Port, data and CA are kept after a stop and a kill; a reset deletes the databases.

    No process of PostgreSQL remains after the emulator has ended.
    """
    aws = Aws(emulator.start(deep_folder))
    aws.deploy("s", stack(database()))
    database_ = DeployedDatabase(aws, aws.outputs("s"), emulator.status(deep_folder).ca)
    with database_.connect() as master:
        master.execute("CREATE TABLE answers AS SELECT 1 AS row")

    emulator.stop(deep_folder)
    assert processes(database_.outputs["Id"]) == []
    emulator.start(deep_folder)
    with database_.connect() as master:
        master.execute("INSERT INTO answers VALUES (2)")

    os.kill(emulator.status(deep_folder).pid or 0, signal.SIGKILL)
    emulator.start(deep_folder)
    with database_.connect() as master:
        assert master.execute("SELECT row FROM answers").fetchall() == [(1,), (2,)]

    os.kill(emulator.status(deep_folder).pid or 0, signal.SIGKILL)
    wait_until(lambda: not processes(database_.outputs["Id"]))
    emulator.reset(deep_folder)
    assert (
        not (deep_folder / "databases").exists()
        or list((deep_folder / "databases").iterdir()) == []
    )
    assert database_.ca.exists()


def test_crash(shared_database: DeployedDatabase, server_folder: Path) -> None:
    """If the server of a database crashes, it is restarted for the next connection.

    RDS user guide, Monitoring: a failed instance is restarted; how soon is not verified.
    """
    data = server_folder / "databases" / shared_database.outputs["Id"] / "data"
    before = int((data / "postmaster.pid").read_text().split()[0])

    os.kill(before, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{before}").exists())

    with shared_database.connect() as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("cruddur_root",)


@pytest.mark.skipif(shutil.which("postgres") is None, reason="this machine has no PostgreSQL")
def test_system(tmp_path: Path) -> None:
    """A database that was created with the PostgreSQL of the machine is still used with it later."""
    folder = tmp_path / ".emulator"
    aws = Aws(emulator.start(folder, postgres="system"))
    aws.deploy("s", stack(database(EngineVersion="18.1")))
    database_ = DeployedDatabase(aws, aws.outputs("s"), emulator.status(folder).ca)

    emulator.stop(folder)
    emulator.start(folder, postgres="bundled")
    with database_.connect() as connection:
        version = connection.info.server_version // 10_000
    emulator.stop(folder)

    done = subprocess.run(["postgres", "--version"], capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[2].partition(".")[0]) == version
