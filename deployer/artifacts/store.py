"""Zips that were built, below dist/: each there as a whole, sealed, or not there.

    dist/lambdas/NAME/DIGEST.zip       the zip
    dist/lambdas/NAME/DIGEST.json      its seal: what it must be, to be taken for it again
    dist/lambdas/NAME/packages-*.zip   its packages alone, sealed likewise: deflated only once
    dist/lambdas/NAME/lock             held by who builds NAME
    dist/lambdas/NAME/draft-*          what is being made, or was when somebody was killed

Nothing here is needed: what is deleted is built again.
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
from deployer.artifacts import packing

KEPT = 6  # Zips of a function of each kind, those used last: two targets, three versions.
PACKAGES = "packages-"
_DRAFT = "draft-"


@dataclass(frozen=True)
class Seal:
    """What a zip is known by, how large it is, in bytes, and what of it could not be checked."""

    sha256: str
    size: int
    unzipped: int
    unchecked: str


def recall(path: Path) -> Seal | None:
    """The seal of the zip at *path*; None if it is not there, or is not what was written."""
    try:
        seal = Seal(**json.loads(path.with_suffix(".json").read_bytes()))
        content = path.read_bytes()
    except (OSError, ValueError, TypeError):
        return None
    if hashlib.sha256(content).hexdigest() != seal.sha256:
        return None
    return seal


@contextmanager
def turn(folder: Path) -> Iterator[Path]:
    """Have the turn to build in *folder*; yields a folder for drafts, which goes away.

    The kernel ends a turn however its holder dies, so drafts that are there belong to the dead.
    Raises GuardError if the lock is a link: opening it would empty the file that it leads to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    symlinks.refuse(folder / "lock", folder)
    with (folder / "lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for left in folder.glob(f"{_DRAFT}*"):
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(prefix=_DRAFT, dir=folder) as drafts:
            yield Path(drafts)


def write(tree: packing.Tree, draft: Path) -> Seal:
    """Add *tree* to the zip at *draft*, made if it is not there; see that it reaches the disk."""
    with draft.open("r+b" if draft.exists() else "w+b") as file:
        sizes = packing.add(tree, file)
        file.flush()
        os.fsync(file.fileno())
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Seal(sha256, size, sum(sizes.values()), unchecked="")


def keep(draft: Path, seal: Seal, path: Path) -> None:
    """Have the zip *draft* stand at *path*, sealed, and drop those not used for longest.

    Killed in between, the zip has no seal, or another's: it is built again.
    """
    sealing = draft.with_suffix(".json")
    sealing.write_text(json.dumps(asdict(seal)), encoding="utf-8")
    draft.replace(path)
    sealing.replace(path.with_suffix(".json"))
    for kind in (PACKAGES, "[0-9a-f]"):
        zips = sorted(path.parent.glob(f"{kind}*.zip"), key=lambda file: file.stat().st_mtime)
        for old in zips[:-KEPT]:
            old.with_suffix(".json").unlink(missing_ok=True)
            old.unlink()
