"""Read files of a revision from the objects of git, without a checkout."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from deployer.errors import ConfigError

_BRANCHES = ("origin/HEAD", "origin/main", "main")
_HINT = "name a revision of this repository with --base, such as --base=HEAD~1"


def resolve(root: Path, revision: str) -> str:
    """Return the commit of *revision*; if it is empty, the merge base of HEAD and the main branch.

    Raise ConfigError if there is no such commit.
    """
    if revision:
        commit = _commit(root, revision)
        if not commit:
            raise ConfigError(f"--base={revision}: is not a commit of this repository", hint=_HINT)
        return commit
    for branch in _BRANCHES:
        if _commit(root, branch):
            return _git(root, "merge-base", "HEAD", branch).strip()
    raise ConfigError("there is no branch main to compare with", hint=_HINT)


def head(root: Path) -> str:
    """Return the commit of HEAD; empty if *root* is not in a repository with a commit."""
    return _commit(root, "HEAD")


def head_revision(root: Path, base: str) -> str:
    """Return the commit of HEAD, or the commit that it merges into *base*.

    GitHub checks out such a merge commit for a pull request.
    """
    commit, *parents = _git(root, "rev-parse", "HEAD", "HEAD^@").split()
    return parents[1] if len(parents) == 2 and parents[0] == base else commit


def read_files(root: Path, commit: str, paths: Sequence[str]) -> dict[str, bytes]:
    """Return the contents of all files below *paths* at *commit*, by their paths."""
    return read_objects(root, list_objects(root, commit, paths))


def list_objects(root: Path, commit: str, paths: Sequence[str]) -> dict[str, str]:
    """Return the object id of each file below *paths* at *commit*, by its path."""
    output = _git(root, "ls-tree", "-r", "-z", "--full-tree", commit, "--", *paths)
    objects = {}
    for line in filter(None, output.split("\0")):
        fields, _, path = line.partition("\t")
        _, kind, name = fields.split(" ")
        if kind == "blob":
            objects[path] = name
    return objects


def read_objects(root: Path, objects: Mapping[str, str]) -> dict[str, bytes]:
    """Return the contents of *objects*, which maps paths to object ids."""
    if not objects:
        return {}
    request = "".join(f"{name}\n" for name in objects.values()).encode()
    output = _run(root, ["cat-file", "--batch"], request)
    contents, position = {}, 0
    for path in objects:
        end = output.index(b"\n", position)
        size = int(output[position:end].rsplit(b" ", 1)[1])
        contents[path] = output[end + 1 : end + 1 + size]
        position = end + size + 2
    return contents


def _commit(root: Path, revision: str) -> str:
    arguments = ["rev-parse", "--quiet", "--verify", "--end-of-options", f"{revision}^{{commit}}"]
    try:
        return _run(root, arguments).decode().strip()
    except ConfigError:
        return ""


def _git(root: Path, *arguments: str) -> str:
    return os.fsdecode(_run(root, arguments))


def _run(root: Path, arguments: Iterable[str], request: bytes = b"") -> bytes:
    """Return the output of git; raise ConfigError if it fails."""
    # LC_ALL: the messages of git are in English. GIT_NO_LAZY_FETCH: git downloads nothing.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("GIT_")
    } | {
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
    }
    try:
        completed = subprocess.run(
            ["git", *arguments],
            cwd=root,
            env=environment,
            input=request,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise ConfigError(f"git: {error.strerror}", hint="install git") from error
    if completed.returncode:
        problem = completed.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise ConfigError(f"git: {problem}", hint=_HINT)
    return completed.stdout
