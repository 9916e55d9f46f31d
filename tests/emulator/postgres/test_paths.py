"""The files of one database."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.postgres.paths import DatabasePaths


@pytest.mark.parametrize(("text", "pid"), [("123\n/data\n", 123), ("", None), (None, None)])
def test_pid(tmp_path: Path, text: str | None, pid: int | None) -> None:
    """The process id is read from the file of PostgreSQL; it is None if the file is missing or empty."""
    paths = DatabasePaths(tmp_path)
    paths.data.mkdir()
    if text is not None:
        (paths.data / "postmaster.pid").write_text(text)

    assert pid == paths.pid


def test_major_version(tmp_path: Path) -> None:
    """The major version is read from the file of PostgreSQL."""
    paths = DatabasePaths(tmp_path)
    paths.data.mkdir()
    (paths.data / "PG_VERSION").write_text("16\n")

    assert paths.major_version == 16
