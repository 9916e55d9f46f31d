"""The cache of built zips below dist/, each complete and with a record of its checksum.

    dist/lambdas/NAME/DIGEST.zip       the zip
    dist/lambdas/NAME/DIGEST.json      its record: checksum, sizes, and the check that was not possible
    dist/lambdas/NAME/packages-*.zip   only the packages, with a record: they are compressed only once
    dist/lambdas/NAME/lock             the file that a process locks while it builds NAME
    dist/lambdas/NAME/draft-*          incomplete files of a running or killed build

All files below dist/ can be deleted; a build creates them again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from deployer import symlinks
from deployer.artifacts import zip_files

KEPT = (
    6  # The zips of each kind that are kept for a function, such as three versions for two targets.
)
PACKAGES = "packages-"
_DRAFT = "draft-"


@dataclass(frozen=True)
class ZipRecord:
    """The checksum of a zip, its sizes in bytes, and the check that was not possible."""

    sha256: str
    size: int
    unzipped: int
    unchecked: str


def load(path: Path) -> ZipRecord | None:
    """Return the record of the zip at *path*, or None if it is missing or damaged."""
    try:
        record = ZipRecord(**json.loads(path.with_suffix(".json").read_bytes()))
        content = path.read_bytes()
    except (OSError, ValueError, TypeError):
        return None
    if hashlib.sha256(content).hexdigest() != record.sha256:
        return None
    return record


@contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """Hold the lock of *folder*, and yield a temporary folder for drafts.

    The kernel releases the lock when its process ends, so existing drafts are those of killed builds.
    Raise GuardError if the lock is a symbolic link: opening it would truncate the target.
    """
    folder.mkdir(parents=True, exist_ok=True)
    symlinks.refuse(folder / "lock", folder)
    with (folder / "lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for old in folder.glob(f"{_DRAFT}*"):
            shutil.rmtree(old)
        with tempfile.TemporaryDirectory(prefix=_DRAFT, dir=folder) as drafts:
            yield Path(drafts)


def write(tree: zip_files.Tree, draft: Path) -> ZipRecord:
    """Add *tree* to the zip at *draft*, creating it if needed, and flush it to the disk."""
    with draft.open("r+b" if draft.exists() else "w+b") as file:
        sizes = zip_files.add(tree, file)
        file.flush()
        os.fsync(file.fileno())
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return ZipRecord(sha256, size, sum(sizes.values()), unchecked="")


def add(draft: Path, record: ZipRecord, path: Path) -> None:
    """Move the zip *draft* to *path* with its record, and remove the least recently used zips.

    If the process is killed in between, the record is missing or wrong, and the next build creates
    the zip again.
    """
    record_draft = draft.with_suffix(".json")
    record_draft.write_text(json.dumps(asdict(record)), encoding="utf-8")
    draft.replace(path)
    record_draft.replace(path.with_suffix(".json"))
    for kind in (PACKAGES, "[0-9a-f]"):
        zips = sorted(path.parent.glob(f"{kind}*.zip"), key=lambda file: file.stat().st_mtime)
        for old in zips[:-KEPT]:
            old.with_suffix(".json").unlink(missing_ok=True)
            old.unlink()
