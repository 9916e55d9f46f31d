"""Atomic file writes."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from deployer.files import write_atomically


@pytest.mark.parametrize(("content", "expected"), [("é\n", "é\n".encode()), (b"\x00", b"\x00")])
def test_content(tmp_path: Path, content: str | bytes, expected: bytes) -> None:
    """The file has the new content, text as UTF-8, and no temporary file is left."""
    file = tmp_path / "file"
    file.write_text("old and longer")

    write_atomically(file, content)

    assert expected == file.read_bytes()
    assert [file] == list(tmp_path.iterdir())


def test_only_the_owner_has_access(tmp_path: Path) -> None:
    """Only the owner may read the file, also if others may read the file that it replaces."""
    file = tmp_path / "file"
    file.touch(mode=0o644)

    write_atomically(file, "x")

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_link_is_replaced(tmp_path: Path) -> None:
    """A symbolic link is replaced, and its target is not written."""
    file, target = tmp_path / "file", tmp_path / "target"
    target.write_text("old")
    file.symlink_to(target)

    write_atomically(file, "new")

    assert (target.read_text(), file.read_text()) == ("old", "new")


def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the file cannot be replaced, it keeps its content and no temporary file is left."""
    file = tmp_path / "file"
    file.write_text("old")

    def fail(*_: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no"):
        write_atomically(file, "new")

    assert file.read_text() == "old"
    assert [file] == list(tmp_path.iterdir())
