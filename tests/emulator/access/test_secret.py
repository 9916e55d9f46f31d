"""The secret key of the emulator's folder."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from deployer.errors import EmulatorError
from emulator.access import secret
from emulator.paths import EmulatorPaths

if TYPE_CHECKING:
    from pathlib import Path


def mode(path: Path) -> int:
    """Return the permissions of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_has_access(tmp_path: Path) -> None:
    """Only the owner can read folder and file, with any umask, also if the folder existed."""
    paths = EmulatorPaths(tmp_path / "emulator")
    paths.folder.mkdir(mode=0o755)
    umask = os.umask(0)
    try:
        paths.create()
    finally:
        os.umask(umask)

    assert (0o700, 0o600) == (mode(paths.folder), mode(paths.secret))


def test_reset_keeps_the_secret(tmp_path: Path) -> None:
    """A second start and a reset keep the secret; another folder has another secret."""
    one, other = EmulatorPaths(tmp_path / "one"), EmulatorPaths(tmp_path / "other")
    one.create()
    other.create()
    first = secret.read(one.secret)

    one.create()
    one.delete_data()

    assert first == secret.read(one.secret)
    assert first != secret.read(other.secret)


def test_concurrent_creation(tmp_path: Path) -> None:
    """Concurrent calls create one secret and leave no other file."""
    file = tmp_path / "secret"

    def create_and_read(_: int) -> str:
        secret.create(file)
        return secret.read(file)

    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(create_and_read, range(64)))

    assert 1 == len(found)
    assert [file] == list(tmp_path.iterdir())


@pytest.mark.parametrize("permissions", [0o640, 0o604, 0o620, 0o602, 0o644])
def test_readable_by_others(tmp_path: Path, permissions: int) -> None:
    """A secret that other users may read or write is refused with a hint."""
    file = tmp_path / "secret"
    secret.create(file)
    file.chmod(permissions)

    with pytest.raises(EmulatorError, match="is open to other users") as failed:
        secret.read(file)

    assert f"delete {file}" in failed.value.hint


@pytest.mark.parametrize("text", ["", "test", "x" * 39, "x" * 41, "x" * 39 + " "])
def test_invalid_content(tmp_path: Path, text: str) -> None:
    """A file without a key of the right length is refused."""
    file = tmp_path / "secret"
    secret.create(file)
    file.write_text(text)

    with pytest.raises(EmulatorError, match="does not contain a secret key"):
        secret.read(file)


def test_link(tmp_path: Path) -> None:
    """A symbolic link is followed neither to write nor to read."""
    file, target = tmp_path / "secret", tmp_path / "target"
    file.symlink_to(target)

    secret.create(file)

    assert not target.exists()
    with pytest.raises(EmulatorError, match="cannot be read"):
        secret.read(file)


def test_missing(tmp_path: Path) -> None:
    """A missing file is an error."""
    with pytest.raises(EmulatorError, match="cannot be read: No such file or directory"):
        secret.read(tmp_path / "secret")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_owned_by_another_user(tmp_path: Path) -> None:
    """A secret of another user is refused, because that user knows it."""
    file = tmp_path / "secret"
    secret.create(file)
    os.chown(file, 65534, 65534)

    with pytest.raises(EmulatorError, match="belongs to another user"):
        secret.read(file)


def test_proof() -> None:
    """A proof depends on secret and challenge; anything else than a challenge has no proof."""
    challenge, other = secret.new_challenge(), secret.new_challenge()

    assert secret.proof("a" * 40, challenge) == secret.proof("a" * 40, challenge)
    assert secret.proof("a" * 40, challenge) != secret.proof("b" * 40, challenge)
    assert secret.proof("a" * 40, challenge) != secret.proof("a" * 40, other)
    assert secret.proof("a" * 40, "x") is None
    assert secret.proof("a" * 40, challenge + "\n") is None
