"""Tests of the emulator share one server; see tests/emulator_server.py."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import emulator
from tests.emulator.databases import DeployedDatabase, database, stack
from tests.emulator.own_emulator import OwnEmulator
from tests.emulator.templates import ref, resource
from tests.emulator_server import Aws, aws, endpoint, server

__all__ = ["aws", "endpoint", "server"]


@pytest.fixture
def own_emulator(tmp_path: Path) -> Iterator[OwnEmulator]:
    """An emulator for one test, which is stopped afterwards."""
    yield OwnEmulator(tmp_path / ".emulator")
    emulator.stop(tmp_path / ".emulator")


@pytest.fixture(scope="module")
def server_folder(server: emulator.Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the shared server."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "emulator"
    assert emulator.running(folder) == server
    return folder


@pytest.fixture(scope="module")
def shared_database(server: emulator.Endpoint, server_folder: Path) -> Iterator[DeployedDatabase]:
    """One database for all tests that only log in, in a separate account."""
    number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    aws = Aws(emulator.as_account(server, f"3{int(number):011}"))
    group = resource(
        "AWS::RDS::DBParameterGroup",
        Family="postgres16",
        Description="TLS is required",
        Parameters={"rds.force_ssl": "1"},
    )
    instance = database(
        DBName="cruddur", EngineVersion="16.4", DBParameterGroupName=ref("Parameters")
    )
    aws.deploy("database", stack(instance, Parameters=group))
    database_ = DeployedDatabase(aws, aws.outputs("database"), emulator.status(server_folder).ca)
    with database_.connect() as master:
        master.execute("CREATE ROLE app LOGIN PASSWORD 'not used'")
        master.execute("GRANT rds_iam TO app")
    yield database_
    aws.delete("database")
