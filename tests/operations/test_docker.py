"""Without docker, and for the emulator, an error explains the fact.

tests/commands/test_image.py tests how docker is run.
"""

from __future__ import annotations

import pytest

from deployer.errors import ConfigError
from operations import docker
from operations.target import Target
from tests.operations.fake_account import ENVIRONMENT, Account


def test_a_missing_docker(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """A missing docker is an error."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ConfigError, match="docker is not on PATH"):
        docker.run("version")


def test_the_emulator_has_no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A login to the emulator is refused: its ECR has the API of AWS, but not the protocol of Docker registries."""
    monkeypatch.setattr(type(ENVIRONMENT), "is_local", True)

    with pytest.raises(ConfigError, match="x: docker cannot push to the emulator"):
        docker.log_in(Target(ENVIRONMENT, Account()))
