"""Each scanner is installed once, and again when its lock has changed."""

from pathlib import Path

import pytest

from tests.scanners import install
from tests.scanners.errors import NotInstalledError, ScannerError
from tests.scanners.tool import run


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of an empty cache."""
    monkeypatch.setattr(install, "CACHE", tmp_path / "scanners")
    return tmp_path / "scanners"


def test_installed_once(cache: Path) -> None:
    """The second call uses the existing installation; another lock replaces the installation."""
    installed = []

    def install_tool(folder: Path) -> None:
        installed.append(folder)
        (folder / f"file-{len(installed)}").touch()

    for lock in ("a", "a", "b"):
        install._install_once("tool", lock, install_tool)

    assert [cache / "tool"] * 2 == installed
    assert {path.name for path in (cache / "tool").iterdir()} == {"file-2", "installed.txt"}


def test_failed_installation_is_retried(cache: Path) -> None:
    """An incomplete installation is not used."""

    def fail(_: Path) -> None:
        raise NotInstalledError("no network")

    with pytest.raises(NotInstalledError):
        install._install_once("tool", "a", fail)

    assert (cache / "tool").exists()
    assert (install._install_once("tool", "a", lambda _: None) / "installed.txt").exists()


def test_npm_is_missing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the program and where to get it."""
    monkeypatch.setenv("PATH", str(cache))

    with pytest.raises(NotInstalledError, match=r"npm is not on PATH: it comes with Node\.js"):
        install.node()


def test_scanners_have_a_minimal_environment(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scanners have only PATH, LANG and another HOME, and so no credentials of the user."""
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setattr("tests.scanners.tool.CACHE", cache)
    cache.mkdir()

    names = {line.partition("=")[0] for line in run(["env"], cwd=cache, codes=(0,)).splitlines()}

    assert names == {"HOME", "LANG", "PATH"}


def test_failure_has_the_output_of_the_scanner(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected exit code is an error with the last output."""
    monkeypatch.setattr("tests.scanners.tool.CACHE", cache)
    cache.mkdir()

    with pytest.raises(ScannerError, match="sh exited with 3: oh no"):
        run(["sh", "-c", "echo oh no >&2; exit 3"], cwd=cache, codes=(0, 1))


def test_timeout_is_an_error(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scanner that does not end in time did not pass."""
    monkeypatch.setattr("tests.scanners.tool.CACHE", cache)
    monkeypatch.setattr("tests.scanners.tool.TIMEOUT_MINUTES", 0.001)
    cache.mkdir()

    with pytest.raises(ScannerError, match="sleep did not end within"):
        run(["sleep", "60"], cwd=cache, codes=(0,))
