"""The programs of PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.errors import EmulatorError
from emulator.postgres import binaries
from emulator.postgres.binaries import Binaries


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL 16 and 18 are installed."""
    found = [Binaries(Path(version), version) for version in ("18.1", "16.4")]
    monkeypatch.setattr(binaries, "_find_all", lambda _kind: found)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("requested", "version"),
    [("", "16.4"), ("15.8", "16.4"), ("16.4", "16.4"), ("17.2", "18.1"), ("19.0", "18.1")],
)
def test_find(requested: str, version: str) -> None:
    """The oldest version that is at least the requested version is used, or else the newest."""
    assert version == binaries.find("bundled", requested).version


@pytest.mark.usefixtures("installed")
def test_find_major() -> None:
    """Data of a major version that is not installed is an error with the installed versions."""
    assert binaries.find_major("system", 18).version == "18.1"
    with pytest.raises(EmulatorError, match=r"only 18\.1, 16\.4 is installed"):
        binaries.find_major("system", 17)


def test_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without PostgreSQL on PATH the hint of the error has the setting."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(EmulatorError, match="no `postgres` on PATH") as failed:
        binaries.find("system", "16")

    assert "CRUDDUR_POSTGRES" in failed.value.hint
