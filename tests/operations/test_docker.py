"""docker is run with its input and without AWS credentials; see also test_image.py."""

from __future__ import annotations

from dataclasses import replace

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
    """Docker cannot log in to the emulator: its ECR has an API, but stores no images."""
    monkeypatch.setattr(type(ENVIRONMENT), "is_local", True)

    with pytest.raises(ConfigError, match="x: the emulator stores no images"):
        docker.log_in(Target(replace(ENVIRONMENT), Account()))
