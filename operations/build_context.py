"""The source files of the backend's image: those of a commit, or the uncommitted ones on disk."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import ConfigError
from operations import project

FOLDER = "backend"
# Further folders that the Dockerfile copies from, by the names of their build contexts.
CONTEXTS = {"shared": "lambdas/shared"}
FOLDERS = (FOLDER, *CONTEXTS.values())


@dataclass(frozen=True)
class Source:
    """The current commit, and whether FOLDERS have uncommitted changes."""

    commit: str
    is_dirty: bool

    @property
    def tag(self) -> str:
        """Return the tag: the commit, with the suffix -dirty if there are uncommitted changes."""
        return f"{self.commit}-dirty" if self.is_dirty else self.commit


def current_source() -> Source:
    """Return the source that git reports; raise ConfigError without git or a repository."""
    commit = _git("rev-parse", "HEAD").decode().strip()
    return Source(commit, is_dirty=bool(_git("status", "--porcelain", "--", *FOLDERS)))


@contextmanager
def source_root(source: Source) -> Iterator[Path]:
    """Yield a folder that contains FOLDERS: the checkout, or a temporary copy of the commit.

    A clean *source* is extracted from the commit, so files that git ignores, such as backend/.env,
    are not in the image.
    """
    if source.is_dirty:
        yield project.ROOT
        return
    with tempfile.TemporaryDirectory() as folder:
        archive = _git("archive", source.commit, "--", *FOLDERS)
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
        yield Path(folder)


def arguments(root: Path) -> list[str]:
    """Return the arguments of `docker build` for the contexts below *root*."""
    contexts = [f"--build-context={name}={root / path}" for name, path in CONTEXTS.items()]
    return [*contexts, str(root / FOLDER)]


def _git(*arguments: str) -> bytes:
    try:
        completed = subprocess.run(
            ["git", *arguments], cwd=project.ROOT, capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        output = getattr(error, "stderr", b"").decode(errors="replace") or str(error)
        raise ConfigError(
            f"git {arguments[0]}: {output.strip()}",
            hint="run this in a git repository: the commit is the tag of the image",
        ) from error
    return completed.stdout
