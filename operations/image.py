"""Build the image of the backend from a commit, and push it with the commit as its tag.

The image for the emulator is built without docker, from the working tree: see images/.
The pipeline uses its own script instead: see stacks/buildspecs.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.errors import CloudError, ConfigError, GuardError
from operations import build_context, docker, project
from operations.build_context import FOLDER, Source
from operations.images import local

if TYPE_CHECKING:
    from operations.target import Target

_PLATFORMS = {"ARM64": "linux/arm64", "X86_64": "linux/amd64"}


def refuse_dirty(source: Source) -> None:
    """Raise GuardError if *source* has uncommitted changes, which its tag would not identify."""
    if source.is_dirty:
        raise GuardError(
            f"{' or '.join(f'{folder}/' for folder in build_context.FOLDERS)} differs from commit"
            f" {source.commit[:12]}, which the tag would name",
            hint="commit the changes; ./inv image.build builds them without pushing",
        )


def build(target: Target) -> str:
    """Build the image and return its name; raise ConfigError without a Dockerfile."""
    if target.environment.is_local:
        return local.build(target)
    return _build(target, build_context.current_source())


def push(target: Target) -> str:
    """Build the image, push it and return its digest in the registry.

    Raise GuardError if the source has uncommitted changes, or if the tag exists: another user may
    have pushed that image. For the emulator, changes need no commit; the digest and the tag depend
    on the contents of the files only.
    """
    if target.environment.is_local:
        return local.push(target)
    source = build_context.current_source()
    refuse_dirty(source)
    return _push(target, source)


def _build(target: Target, source: Source) -> str:
    """Build the image with docker and return its name."""
    if not (project.ROOT / FOLDER / "Dockerfile").is_file():
        raise ConfigError(f"{FOLDER}/Dockerfile: no such file", hint="write a Dockerfile first")
    name = f"{target.output('registry', 'Uri')}:{source.tag}"
    with build_context.source_root(source) as root:
        docker.run(
            "build",
            "--pull",
            f"--platform={_PLATFORMS[project.settings(target.environment).service.architecture]}",
            f"--label=org.opencontainers.image.revision={source.tag}",
            f"--tag={name}",
            *build_context.arguments(root),
        )
    return name


def _push(target: Target, source: Source) -> str:
    from operations.images import registry

    repository = target.output("registry", "Name")
    ecr = target.client("ecr")
    if digest := registry.find(ecr, repository, imageTag=source.tag):
        raise GuardError(
            f"{repository}: an image with the tag {source.tag} exists: {digest}",
            hint="if you trust the user who pushed it, run ./inv service.release "
            f"--image={digest}; otherwise create a new commit",
        )
    docker.log_in(target)
    docker.run("push", _build(target, source))
    digest = registry.find(ecr, repository, imageTag=source.tag)
    if not digest:
        raise CloudError(f"{repository}: the pushed tag {source.tag} is missing")
    return digest
