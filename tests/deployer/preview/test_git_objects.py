"""Files of revisions, read from the objects of git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from deployer.errors import ConfigError
from deployer.preview.git_objects import list_objects, read_files, resolve


def git(root: Path, *arguments: str) -> str:
    """Run git in *root*."""
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b.example", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository whose working tree differs from its commit."""
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "a b.yaml").write_bytes(b"one\n\xff")
    (tmp_path / "build" / "empty").write_bytes(b"")
    (tmp_path / "other").write_text("x")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    (tmp_path / "build" / "a b.yaml").write_text("two")
    return tmp_path


def test_files_are_read_without_a_checkout(repository: Path) -> None:
    """The contents are those of the revision, byte for byte."""
    commit = resolve(repository, "HEAD")

    assert read_files(repository, commit, ["build"]) == {
        "build/a b.yaml": b"one\n\xff",
        "build/empty": b"",
    }
    assert read_files(repository, commit, ["missing"]) == {}
    assert [*list_objects(repository, commit, ["other"])] == ["other"]


def test_the_default_is_where_the_branch_left_main(repository: Path) -> None:
    """Later commits of main do not count."""
    base = resolve(repository, "HEAD")
    git(repository, "commit", "-qam", "two")
    git(repository, "checkout", "-q", "-b", "topic", base)

    assert resolve(repository, "") == base


@pytest.mark.parametrize("revision", ["missing", "--all", "HEAD:build", "-x"])
def test_an_unknown_revision_is_refused(repository: Path, revision: str) -> None:
    """A name that is not a commit, or looks like an option, is refused with a hint."""
    with pytest.raises(ConfigError, match="is not a commit of this repository"):
        resolve(repository, revision)


def test_without_main_a_base_is_needed(repository: Path) -> None:
    """A repository without the branch main needs --base."""
    git(repository, "branch", "-m", "main", "other")

    with pytest.raises(ConfigError, match="no branch main"):
        resolve(repository, "")
