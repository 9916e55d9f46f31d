"""Build an image from a folder with a Dockerfile: the same inputs give the same digest.

The image is in the format of OCI. Its layer contains the files that the final stage copies from the
build context, its configuration the command and the environment. The digest of the packages' lock
is a label, so the digest of the image depends on all inputs of the build.
"""

from __future__ import annotations

import fnmatch
import hashlib
import io
import json
import posixpath
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import ConfigError
from operations import emulator
from operations.images import context, dockerfile
from operations.images.context import File
from operations.images.dockerfile import Copy, Stage

DOCKERFILE, LOCK = "Dockerfile", "requirements.txt"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
# The digest of the Dockerfile: a changed RUN does not change the layer, but must change the image.
DOCKERFILE_LABEL = "emulator.dockerfile"
_SYSTEM_FOLDERS = {"bin", "dev", "etc", "lib", "lib64", "proc", "sbin", "sys", "tmp", "usr"}


@dataclass(frozen=True)
class Image:
    """An image, and the text of the *lock* of its packages, or "" without packages."""

    config: bytes
    layer: bytes
    lock: str

    @property
    def manifest(self) -> str:
        """The manifest as JSON."""
        return json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": _descriptor(_CONFIG_TYPE, self.config),
                "layers": [_descriptor(_LAYER_TYPE, self.layer)],
            },
            separators=(",", ":"),
        )

    @property
    def digest(self) -> str:
        """The digest of the manifest, which identifies the image in a registry."""
        return digest_of(self.manifest.encode())


def build(root: Path, folder: str, contexts: Mapping[str, str] | None = None) -> Image:
    """Return the image of *folder* in the checkout *root*.

    *contexts* are the folders of further build contexts by name, as in `docker build
    --build-context`. Raise ConfigError if the Dockerfile is missing or not supported.
    """
    sources = context.files(root, folder)
    place = f"{folder}/{DOCKERFILE}"
    if not (root / folder / DOCKERFILE).is_file():
        raise ConfigError(f"{place}: no such file", hint="write a Dockerfile first")
    text = (root / folder / DOCKERFILE).read_text(encoding="utf-8")
    stage = dockerfile.final_stage(place, text)
    further = {name: context.files(root, path) for name, path in (contexts or {}).items()}
    lock = sources[LOCK].content.decode() if LOCK in sources and stage.packages_folder else ""
    layer = _tar(_root_files(place, stage, {"": sources, **further}))
    return Image(_config(stage, text, layer, lock), layer, lock)


def digest_of(content: bytes) -> str:
    """Return the digest of *content* as registries write it: sha256:HEX."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _descriptor(kind: str, content: bytes) -> dict[str, object]:
    return {"mediaType": kind, "digest": digest_of(content), "size": len(content)}


def _config(stage: Stage, text: str, layer: bytes, lock: str) -> bytes:
    """Return the configuration of an image with a Dockerfile *text* and the *lock* of its packages."""
    labels = {DOCKERFILE_LABEL: hashlib.sha256(text.encode()).hexdigest()}
    if lock:
        labels |= emulator.package_labels(stage.packages_folder, lock)
    config = {
        "architecture": "any",
        "os": "linux",
        "config": {
            "Env": [f"{name}={value}" for name, value in stage.variables.items()],
            "Entrypoint": list(stage.entrypoint),
            "Cmd": list(stage.command),
            "WorkingDir": stage.folder,
            "Labels": labels,
        },
        "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]},
    }
    return json.dumps(config, separators=(",", ":")).encode()


def _root_files(
    place: str, stage: Stage, contexts: Mapping[str, Mapping[str, File]]
) -> dict[str, File]:
    """Return the files of the image by their absolute path, without the leading slash."""
    copied: dict[str, File] = {}
    for copy in stage.copies:
        where = f"{place}:{copy.line}"
        if copy.context not in contexts:
            raise ConfigError(
                f"{where}: COPY --from={copy.context}: is neither a stage nor a known context",
                hint=f"one of: {', '.join(sorted(filter(None, contexts)))}",
            )
        for source in copy.sources:
            found = dict(_copied(contexts[copy.context], source, copy))
            if not found:
                raise ConfigError(
                    f"{where}: COPY {source}: no such file",
                    hint="files that git or .dockerignore ignore are not copied",
                )
            copied |= found
    if system := sorted({path.split("/")[0] for path in copied} & _SYSTEM_FOLDERS):
        raise ConfigError(
            f"{place}: copies files to /{system[0]}",
            hint="copy to a folder of the application, such as /app: the emulator uses the"
            " system folders of this machine",
        )
    return copied


def _copied(files: Mapping[str, File], source: str, copy: Copy) -> Iterator[tuple[str, File]]:
    """Yield the files that *source* selects; for a folder, its content, as in docker."""
    pattern = posixpath.normpath(source).strip("/")
    target = copy.target.strip("/")
    into_folder = copy.target.endswith("/") or len(copy.sources) > 1 or "*" in pattern
    for path, file in files.items():
        if pattern == "." or path.startswith(f"{pattern}/"):
            inner = path if pattern == "." else path.removeprefix(f"{pattern}/")
            yield posixpath.join(target, inner), file
        elif path == pattern and not into_folder:
            yield target, file
        elif fnmatch.fnmatchcase(path, pattern) and path.count("/") == pattern.count("/"):
            yield posixpath.join(target, posixpath.basename(path)), file


def _tar(files: Mapping[str, File]) -> bytes:
    """Return an archive whose bytes depend on paths, contents and executable bits only."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, file in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(file.content), 0o755 if file.is_executable else 0o644
            archive.addfile(entry, io.BytesIO(file.content))
    return buffer.getvalue()
