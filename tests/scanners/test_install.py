"""Each tool is installed once, and again when its lock has changed."""

from pathlib import Path

import pytest

from tests.scanners import install
from tests.scanners.errors import NotInstalledError, ScannerError
from tests.scanners.tool import run


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setattr(install, "CACHE", tmp_path / "scanners")
    return tmp_path / "scanners"


def test_installed_once(cache: Path) -> None:
    """The second time it is there; another lock makes it afresh, with nothing of the old."""
    made = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / f"file-{len(made)}").touch()

    for lock in ("a", "a", "b"):
        install._settled("tool", lock, make)

    assert [cache / "tool"] * 2 == made
    assert {"file-2", "installed.txt"} == {path.name for path in (cache / "tool").iterdir()}


def test_half_installed_is_not_installed(cache: Path) -> None:
    """What failed is tried again."""

    def fail(_: Path) -> None:
        raise NotInstalledError("no network")

    with pytest.raises(NotInstalledError):
        install._settled("tool", "a", fail)

    assert (cache / "tool").exists()
    assert (install._settled("tool", "a", lambda _: None) / "installed.txt").exists()


def test_no_npm(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said clearly: what is missing, and what it belongs to."""
    monkeypatch.setenv("PATH", str(cache))

    with pytest.raises(NotInstalledError, match=r"npm is not on PATH: it comes with Node\.js"):
        install.node()


def test_a_tool_sees_nothing_of_ours(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials, no home: only where programs are."""
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setattr("tests.scanners.tool.CACHE", cache)
    cache.mkdir()

    seen = {line.partition("=")[0] for line in run(["env"], cwd=cache, codes=(0,)).splitlines()}

    assert {"HOME", "LANG", "PATH"} == seen


def test_a_failure_is_told(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what the tool said last."""
    monkeypatch.setattr("tests.scanners.tool.CACHE", cache)
    cache.mkdir()

    with pytest.raises(ScannerError, match="sh exited with 3: oh no"):
        run(["sh", "-c", "echo oh no >&2; exit 3"], cwd=cache, codes=(0, 1))
