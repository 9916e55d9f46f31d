"""The files in the emulator's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.errors import GuardError
from emulator.paths import EmulatorPaths


def test_relative_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path is relative to the working folder at the start, also after it changes."""
    monkeypatch.chdir(tmp_path)
    paths = EmulatorPaths(Path("folder"))
    monkeypatch.chdir("/")

    assert tmp_path / "folder" / "port" == paths.port


def test_delete_data(tmp_path: Path) -> None:
    """The data of all accounts is deleted; port, secret, certificates and log are kept."""
    paths = EmulatorPaths(tmp_path)
    paths.create()
    kept = [paths.port, paths.ca, paths.certificate, paths.log]
    for file in (*kept, paths.state, paths.objects / "x", paths.keys / "x", paths.tmp / "x"):
        file.touch()

    paths.delete_data()

    assert {*kept, paths.secret} == {*tmp_path.iterdir()}


@pytest.mark.parametrize("name", ["port", "state.json", "databases"])
def test_links_are_refused(tmp_path: Path, name: str) -> None:
    """A symbolic link in the folder is refused, before anything is created or deleted."""
    (tmp_path / "target").mkdir()
    paths = EmulatorPaths(tmp_path / "folder")
    paths.folder.mkdir()
    (paths.folder / name).symlink_to(tmp_path / "target")

    with pytest.raises(GuardError, match="is a symbolic link"):
        paths.create()
    with pytest.raises(GuardError, match="is a symbolic link"):
        paths.delete_data()
