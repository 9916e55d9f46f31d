"""Build the image of the backend for the emulator, and push it to the emulator's registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations import emulator, project
from operations.build_context import CONTEXTS, FOLDER

if TYPE_CHECKING:
    from operations.images.oci import Image
    from operations.target import Target


def build(target: Target) -> str:
    """Build the image, install its packages, and return its name with its digest."""
    built = image()
    return f"{target.output('registry', 'Uri')}@{built.digest}"


def push(target: Target) -> str:
    """Build the image, install its packages, push it, and return its digest."""
    from operations.images import registry

    built = image()
    repository = target.output("registry", "Name")
    return registry.push(target.client("ecr"), repository, built, tag=tag(built.digest))


def tag(digest: str) -> str:
    """Return the tag of an image: a part of its digest, because no commit may match its files."""
    return f"files-{digest.removeprefix('sha256:')[:16]}"


def image() -> Image:
    """Build the image from the working tree, install its packages, and return it."""
    from operations.images import oci

    built = oci.build(project.ROOT, FOLDER, CONTEXTS)
    if built.lock:
        emulator.install_packages(built.lock, place=f"{FOLDER}/{oci.LOCK}")
    return built
