"""Build the image of the backend from a commit, and push it with the commit as its tag.

The pipeline uses its own script instead: see stacks/buildspecs.py.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.errors import CloudError, ConfigError, GuardError
from operations import docker, project

if TYPE_CHECKING:
    from operations.target import Target

FOLDER = "backend"
_PLATFORMS = {"ARM64": "linux/arm64", "X86_64": "linux/amd64"}


@dataclass(frozen=True)
class Source:
    """The current commit, and whether backend/ has uncommitted changes."""

    commit: str
    is_dirty: bool

    @property
    def tag(self) -> str:
        """Return the tag: the commit, with the suffix -dirty if there are uncommitted changes."""
        return f"{self.commit}-dirty" if self.is_dirty else self.commit


def current_source() -> Source:
    """Return the source that git reports; raise ConfigError without git or a repository."""
    commit = _git("rev-parse", "HEAD").decode().strip()
    return Source(commit, is_dirty=bool(_git("status", "--porcelain", "--", FOLDER)))


def refuse_dirty(source: Source) -> None:
    """Raise GuardError if *source* has uncommitted changes, which its tag would not identify."""
    if source.is_dirty:
        raise GuardError(
            f"{FOLDER}/ differs from commit {source.commit[:12]}, which the tag would name",
            hint="commit the changes; ./inv image.build builds them without pushing",
        )


def build(target: Target, source: Source) -> str:
    """Build the image and return its name; raise ConfigError without a Dockerfile.

    A clean *source* is built from the commit, so that files which git ignores, such as
    backend/.env, are not in the image.
    """
    folder = project.ROOT / FOLDER
    if not (folder / "Dockerfile").is_file():
        raise ConfigError(f"{FOLDER}/Dockerfile: no such file", hint="write a Dockerfile first")
    name = f"{target.output('registry', 'Uri')}:{source.tag}"
    context = b"" if source.is_dirty else _git("archive", f"{source.commit}:{FOLDER}")
    docker.run(
        "build",
        "--pull",
        f"--platform={_PLATFORMS[project.settings(target.environment).service.architecture]}",
        f"--label=org.opencontainers.image.revision={source.tag}",
        f"--tag={name}",
        str(folder) if source.is_dirty else "-",
        stdin=context,
    )
    return name


def push(target: Target, source: Source) -> str:
    """Build the image, push it and return its digest in the registry.

    Raise GuardError if the tag exists: another user may have pushed that image.
    """
    repository = target.output("registry", "Name")
    if digest := _digest(target, repository, source.tag):
        raise GuardError(
            f"{repository}: an image with the tag {source.tag} exists: {digest}",
            hint="if you trust the user who pushed it, run ./inv service.release "
            f"--image={digest}; otherwise create a new commit",
        )
    docker.log_in(target)
    docker.run("push", build(target, source))
    digest = _digest(target, repository, source.tag)
    if not digest:
        raise CloudError(f"{repository}: the pushed tag {source.tag} is missing")
    return digest


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


def _digest(target: Target, repository: str, tag: str) -> str:
    """Return the digest of the image *tag* in the registry; empty if there is no such image."""
    client = target.client("ecr")
    try:
        response = client.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
    except CloudError as error:
        if error.aws_code == "ImageNotFoundException":
            return ""
        raise
    return str(response["imageDetails"][0]["imageDigest"])
