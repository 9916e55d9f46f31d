"""The fixture `checkout`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deployer.artifacts.checkout import Checkout, offline


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """An empty checkout; uv finds only the packages in its folder packages/."""
    for name, value in offline(tmp_path).items():
        monkeypatch.setenv(name, value)
    (tmp_path / "packages").mkdir()
    return Checkout(tmp_path)
