"""List the files of a checkout that git tracks, or would track.

In a folder without git, such as an unpacked archive, all files belong to the checkout, because an
archive contains the files that git tracks. A file that is added to such a folder changes the digest
of the function, and a deploy reports that build/ is stale.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from deployer.errors import SynthError

_GIT_VARIABLES = {"GIT_LITERAL_PATHSPECS": "1", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
# Variables that git sets for hooks, and that change the meaning of paths.
_REMOVED = {
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"),
    *("GIT_OBJECT_DIRECTORY", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS"),
}
_EXECUTABLE, _SUBMODULE = "100755", "160000"
_UNTRACKED = ""


@dataclass(frozen=True)
class Listing:
    """The files of a checkout: *modes* maps each path to git's mode, or "" if it is untracked.

    *modes* is None without git.
    """

    root: Path
    modes: Mapping[str, str] | None = None
    _folders: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Derive the folders of these files."""
        parents = {
            path[:end]
            for path in self.modes or ()
            for end, character in enumerate(path)
            if character == "/" and end < len(path) - 1
        }
        object.__setattr__(self, "_folders", frozenset(parents))

    def __contains__(self, path: str) -> bool:
        """Return whether the file or folder *path* belongs to the checkout."""
        if self.modes is None:
            return True
        return path in self.modes or path in self._folders or self.is_repository(path)

    def is_tracked(self, path: str) -> bool:
        """Return whether git tracks the file *path*."""
        return bool((self.modes or {}).get(path))

    def is_repository(self, path: str) -> bool:
        """Return whether *path* is a submodule or another repository; git does not list its files."""
        modes = self.modes or {}
        return modes.get(path) == _SUBMODULE or f"{path}/" in modes

    def is_executable(self, path: str) -> bool:
        """Return whether git records, or would record, the file *path* as executable."""
        if self.modes is not None and not self._has_file_modes:
            return self.modes.get(path) == _EXECUTABLE
        return bool((self.root / path).stat().st_mode & 0o100)

    @cached_property
    def _has_file_modes(self) -> bool:
        """Return whether the file system stores modes, according to the repository's core.fileMode."""
        return (
            _git(self.root, "config", "--type=bool", "--default=true", "core.fileMode") != "false\n"
        )


def listing(root: Path, paths: Sequence[str]) -> Listing:
    """Return the files below *paths* of the checkout in *root*.

    Raise SynthError if git cannot read the repository, because ignored files must not be packed.
    """
    root = root.absolute()
    repository = _repository(root)
    if repository is None:
        return Listing(root)
    options = ("-z", "-t", "--stage", "--cached", "--others", "--exclude-standard", "--")
    is_whole = repository == root
    modes = dict(_modes(_git(root, "ls-files", *options, *(paths if is_whole else ()))))
    if not is_whole and not any(modes.values()):
        return Listing(root)  # An archive that was unpacked inside of another repository.
    return Listing(root, modes)


def _repository(root: Path) -> Path | None:
    """Return the nearest folder with a repository; a worktree has a file named .git."""
    return next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), None)


def _modes(output: str) -> list[tuple[str, str]]:
    """Read lines such as `H 100644 SHA 0 TAB path`, or `? path`."""
    modes = []
    for line in filter(None, output.split("\0")):
        tag, rest = line[0], line[2:]
        fields, _, path = rest.partition("\t")
        modes.append((rest, _UNTRACKED) if tag == "?" else (path, fields.split(" ")[0]))
    return modes


def _git(root: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in _REMOVED}
    try:
        completed = subprocess.run(
            ["git", *arguments],
            cwd=root,
            env=environment | _GIT_VARIABLES,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        problem = f"git: {error.strerror}"
    else:
        if completed.returncode == 0:
            return os.fsdecode(completed.stdout)
        problem = completed.stderr.decode(errors="replace").strip().partition("\n")[0]
    raise SynthError(
        f"{root}: cannot list the files that git tracks: {problem}",
        hint="install git, and make `git status` work in this folder, or unpack a `git archive`",
    )
