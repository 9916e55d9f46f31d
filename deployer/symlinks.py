"""Refuse to write or delete through a symbolic link, which may point outside of the checkout."""

from __future__ import annotations

import os
from pathlib import Path

from deployer.errors import GuardError


def refuse(path: Path, root: Path) -> Path:
    """Return *path*; raise GuardError if it, or a folder between *root* and *path*, is a link.

    The path need not exist. *root* itself may contain links. A path outside of *root* is refused
    as well.
    """
    step = Path(os.path.abspath(root))  # noqa: PTH100  # Path.resolve follows links.
    target = Path(os.path.abspath(path))  # noqa: PTH100
    if not target.is_relative_to(step):
        raise GuardError(f"{path}: is outside of {root}", hint="name a path within it")
    if ".." in path.parts and path.absolute().is_relative_to(step):
        target = path.absolute()  # After a link, `..` is the parent of its target.
    for part in target.relative_to(step).parts:
        step /= part
        if step.is_symlink():
            raise GuardError(
                f"{step}: is a symbolic link to {step.readlink()}",
                hint="remove the link, and create a regular file or folder instead",
            )
    return path
