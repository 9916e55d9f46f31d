"""The shell scripts of the pipeline's CodeBuild projects."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from pathlib import Path


def script(buildspec: str, folder: Path) -> str:
    """Return the commands of *buildspec* as one script that prints to stdout.

    The script uses *folder* in place of /tmp.
    """
    commands = yaml.safe_load(buildspec)["phases"]["build"]["commands"]
    tmp = f"{shlex.quote(str(folder))}/"
    return "\n".join(["exec 2>&1", *commands]).replace("/tmp/", tmp)  # noqa: S108
