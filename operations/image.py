"""Build the backend's image from a commit, and push it with the commit as its tag.

The pipeline builds and pushes with its own script.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from invoke.collection import Collection
from invoke.context import Context

from commands.framework import terminal
from commands.framework.task import task
from operations import docker, project, target

if TYPE_CHECKING:
    from operations.target import Target

FOLDER = "backend"
_PLATFORMS = {"ARM64": "linux/arm64", "X86_64": "linux/amd64"}


@dataclass(frozen=True)
class Source:
    """The commit that is checked out, and whether backend/ differs from it."""

    commit: str
    dirty: bool

    @property
    def tag(self) -> str:
        """What its image is called: a tag that is pushed means that commit and nothing else."""
        return f"{self.commit}-dirty" if self.dirty else self.commit


@task()
def build(_: Context, env: str = "") -> None:
    """Build the image as it runs in production, for the processor that the service has."""
    terminal.show(_build(target.connect(env), _source()))


@task()
def push(_: Context, env: str = "") -> None:
    """Build the image and push it with the commit as its tag; print the digest."""
    from deployer.errors import CloudError, GuardError

    source = _source()
    if source.dirty:
        raise GuardError(
            f"{FOLDER}/ differs from {source.commit[:12]}: an image of that name would not be it",
            hint="commit first; image.build builds it as it is",
        )
    here = target.connect(env)
    repository = here.output("registry", "Name")
    if digest := _pushed(here, repository, source.tag):
        raise GuardError(
            f"{repository}: an image with the tag {source.tag} exists: {digest}",
            hint="if you trust the user who pushed it, run ./inv service.release "
            f"--image={digest}; otherwise create a new commit",
        )
    docker.sign_in(here)
    docker.run("push", _build(here, source))
    digest = _pushed(here, repository, source.tag)  # A tag that exists is never pushed again.
    if not digest:
        raise CloudError(f"{repository}: was pushed {source.tag}, and knows nothing of it")
    terminal.show(digest)


def _build(here: Target, source: Source) -> str:
    """Build it and return its name; raises ConfigError while there is nothing to build it from."""
    from deployer.errors import ConfigError

    folder = project.ROOT / FOLDER
    if not (folder / "Dockerfile").is_file():
        raise ConfigError(
            f"{FOLDER}/Dockerfile: there is no such file", hint="the image is made by it"
        )
    name = f"{here.output('registry', 'Uri')}:{source.tag}"
    # What git ignores counts for no difference, and is in no commit: backend/.env, for one.
    context = b"" if source.dirty else _git("archive", f"{source.commit}:{FOLDER}")
    docker.run(
        "build",
        "--pull",
        f"--platform={_PLATFORMS[project.settings(here.environment).service.architecture]}",
        f"--label=org.opencontainers.image.revision={source.tag}",
        f"--tag={name}",
        str(folder) if source.dirty else "-",
        stdin=context,
    )
    return name


def _source() -> Source:
    commit = _git("rev-parse", "HEAD").decode().strip()
    return Source(commit, dirty=bool(_git("status", "--porcelain", "--", FOLDER)))


def _git(*arguments: str) -> bytes:
    """What git says; raises ConfigError where there is no repository, or no git."""
    from deployer.errors import ConfigError

    try:
        ran = subprocess.run(["git", *arguments], cwd=project.ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", b"").decode(errors="replace") or str(error)
        raise ConfigError(
            f"git {arguments[0]}: {said.strip()}", hint="an image is named after its commit"
        ) from error
    return ran.stdout


def _pushed(here: Target, repository: str, tag: str) -> str:
    """The digest by which the registry knows the image *tag*; empty if it has none."""
    from deployer.errors import CloudError

    client = here.client("ecr")
    try:
        found = client.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
    except CloudError as error:
        if error.aws_code != "ImageNotFoundException":
            raise
        return ""
    return str(found["imageDetails"][0]["imageDigest"])


namespace = Collection(build, push)
