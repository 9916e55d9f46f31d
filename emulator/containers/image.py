"""Unpack an image of the emulator's ECR: its files, its command and its packages."""

from __future__ import annotations

import functools
import io
import json
import shutil
import tarfile
import tempfile
import venv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator import container_packages
from emulator.ministack import context, images

_DEFAULT_PACKAGES_FOLDER = "/opt/venv"


class PullError(Exception):
    """An image cannot be pulled; the message is part of the task's stopped reason."""


@dataclass(frozen=True)
class Image:
    """An unpacked image.

    *root* is the host folder with its files. *packages* is the host folder of the virtual
    environment, which is *packages_folder* inside the container.
    """

    digest: str
    root: Path
    command: tuple[str, ...]
    entrypoint: tuple[str, ...]
    folder: str
    variables: Mapping[str, str]
    packages_folder: str
    packages: Path

    def files(self) -> dict[str, Path]:
        """Return the host folders of the image by their path in the container."""
        found = {f"/{path.name}": path for path in self.root.iterdir()}
        return found | {self.packages_folder: self.packages}


def is_in_registry(uri: str) -> bool:
    """Return whether *uri* names the registry of the account and region in scope."""
    return uri.startswith(f"{context.account()}.dkr.ecr.{context.region()}.")


def repository(uri: str) -> str:
    """Return the repository in *uri*: its path without a tag and a digest."""
    return uri.partition("/")[2].partition("@")[0].partition(":")[0]


def pull(uri: str, *, folder: Path, packages: Path) -> Image:
    """Return the image *uri*, unpacked below *folder*; its virtual environment is in *packages*.

    Raise PullError if it does not exist or cannot be run.
    """
    name, record = _record(uri)
    manifest = json.loads(record["imageManifest"])
    blobs: Mapping[str, bytes] = images.blobs.get(name, {})
    digests = [manifest.get("config", {}).get("digest"), *_layer_digests(manifest)]
    for digest in digests:
        if digest not in blobs:
            raise PullError(f"{uri}: not found: the registry has no blob {digest}")
    root = folder / record["imageDigest"].partition(":")[2]
    _create_once(root, functools.partial(_unpack, [blobs[digest] for digest in digests[1:]]))
    return _image(uri, record["imageDigest"], root, json.loads(blobs[digests[0]]), packages)


def _record(uri: str) -> tuple[str, dict[str, Any]]:
    """Return the repository and the record of the image *uri*.

    A digest selects the image; without one, the tag does, which is `latest` by default.
    """
    name = repository(uri)
    reference, _, digest = uri.partition("@")
    tag = reference.partition("/")[2].partition(":")[2] or "latest"
    for image in images.images.get(name, ()):
        if image["imageDigest"] == digest if digest else tag in image["imageTags"]:
            return name, image
    raise PullError(f"failed to resolve ref {uri}: not found")


def _layer_digests(manifest: Mapping[str, Any]) -> list[str]:
    return [layer["digest"] for layer in manifest.get("layers", ())]


def _unpack(layers: list[bytes], root: Path) -> None:
    """Create the folder *root* with the files of *layers*."""
    root.mkdir()
    for layer in layers:
        with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
            archive.extractall(root, filter="data")


def _image(uri: str, digest: str, root: Path, document: Any, packages: Path) -> Image:
    config = document.get("config", {})
    labels = config.get("Labels") or {}
    lock = labels.get(container_packages.LOCK_LABEL, "")
    virtual_environment = container_packages.folder_of(packages, lock or "none")
    if not lock:
        # A virtual environment without packages.
        _create_once(virtual_environment, venv.EnvBuilder(symlinks=True).create)
    elif not virtual_environment.is_dir():
        raise PullError(f"{uri}: its packages are not installed: run ./inv image.push again")
    return Image(
        digest,
        root,
        command=tuple(config.get("Cmd") or ()),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        folder=config.get("WorkingDir") or "/",
        variables=dict(pair.split("=", 1) for pair in config.get("Env") or ()),
        packages_folder=labels.get(container_packages.FOLDER_LABEL) or _DEFAULT_PACKAGES_FOLDER,
        packages=virtual_environment,
    )


def _create_once(folder: Path, write: Callable[[Path], None]) -> None:
    """Create *folder* unless it exists; *write* creates a folder at the path that it is given.

    *folder* is never incomplete: *write* creates a temporary folder, which is moved.
    """
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="new-") as temporary:
        new = Path(temporary) / "folder"
        write(new)
        if not folder.exists():  # Another task may have been faster.
            shutil.move(new, folder)
