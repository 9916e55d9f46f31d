"""The variables of a local application."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from operations import env_files
from operations.target import Target
from tests.operations.fake_account import ENV, ENVIRONMENT, Account
from tests.stacks.templates import config_of


class LocalTarget(Target):
    """The emulator; its database has a CA certificate."""

    @property
    def database_ca(self) -> Path:
        """Return a path without asking the emulator."""
        return Path("ca.pem")


class AnyOutputs(dict[tuple[str, str], str]):
    """Outputs that all have the same value."""

    def __missing__(self, key: tuple[str, str]) -> str:
        return "x"


def test_addresses_of_the_emulator() -> None:
    """In the emulator all addresses are plain HTTP with its port, as a browser opens them."""
    local = msgspec.structs.replace(ENV, name="local", domain="x.localhost")
    environment = replace(ENVIRONMENT, env=local, config=config_of("local"))
    account: Any = Account(url="http://127.0.0.1:4566")
    target = LocalTarget(environment, account)
    outputs = env_files.DeployedOutputs(target, AnyOutputs(), "http://127.0.0.1:4566")

    values = env_files.backend_variables(outputs).values()

    assert sorted({value for value in values if "://" in value}) == [
        "http://127.0.0.1:4566",
        "http://api.x.localhost:4566",
        "http://assets.x.localhost:4566",
        "http://x.localhost:4566",
    ]
