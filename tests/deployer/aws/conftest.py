"""Fixtures for the tests of the access to AWS."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import emulator
from deployer.aws import connect
from deployer.aws.account import Account
from tests import emulator_server
from tests.deployer.aws.responses import (
    ENV,
    ONCE,
    REGION,
)
from tests.loopback import Loopback

# The fixtures of the emulator, for every file in this folder.
server, endpoint = emulator_server.server, emulator_server.endpoint


@pytest.fixture
def account(endpoint: emulator.Endpoint) -> Account:
    """Return the account of the test in the emulator."""
    return connect.connect_endpoint(endpoint.url, REGION, endpoint.access_key, endpoint.secret_key)


@pytest.fixture
def fake_aws() -> Iterator[Loopback]:
    """Yield a server whose responses the test defines."""
    with Loopback() as loopback:
        yield loopback


@pytest.fixture
def fake_account(fake_aws: Loopback) -> Account:
    """Return the account at `fake_aws`, without retries."""
    return replace(
        connect.connect_endpoint(fake_aws.url, REGION, ENV.account, "secret"), config=ONCE
    )


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return a monkeypatch that has removed the AWS setup of the operator from the environment."""
    for name in os.environ:
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch
