"""The files of a build context."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.errors import ConfigError
from operations.images.context import File, files


def write(root: Path, **texts: str) -> None:
    """Write files below the folder app."""
    for name, text in texts.items():
        path = root / "app" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_ignored_files(tmp_path: Path) -> None:
    """The last pattern that matches decides; a pattern of a folder ignores its files."""
    names = ("a.py", "tests/a.py", "b/c/d.log", "keep.log", "b/e.txt")
    write(tmp_path, **dict.fromkeys(names, "x"))
    write(tmp_path, **{".dockerignore": "# comment\n\ntests\n**/*.log\n!keep.log\nb/?.txt\n"})

    assert files(tmp_path, "app").keys() == {".dockerignore", "a.py", "keep.log"}


def test_executable_files(tmp_path: Path) -> None:
    """The executable bit is part of a file."""
    write(tmp_path, run="x", text="y")
    (tmp_path / "app" / "run").chmod(0o755)

    found = files(tmp_path, "app")

    assert {"run": File(b"x", is_executable=True), "text": File(b"y", is_executable=False)} == found


def test_symbolic_link(tmp_path: Path) -> None:
    """A symbolic link is refused."""
    write(tmp_path, text="y")
    (tmp_path / "app" / "link").symlink_to("text")

    with pytest.raises(ConfigError, match="app/link: is a symbolic link"):
        files(tmp_path, "app")
