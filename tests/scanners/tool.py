"""The interface of a scanner, and its command: with its own environment variables and home."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from deployer.lint import Finding, Subject
from tests.scanners.errors import ScannerError
from tests.scanners.install import CACHE

MINUTES = 5  # that a tool may take; each needs seconds

Subjects: TypeAlias = Sequence[Subject]


@dataclass(frozen=True)
class Tool:
    """A third-party scanner; its name prefixes its rules, as in checkov:CKV_AWS_18.

    *install* is called first; *find* gets the templates, and the folder where each is a file
    called STACK.yaml, with a free folder beside it.
    """

    name: str
    install: Callable[[], object]
    find: Callable[[Subjects, Path], Sequence[Finding]]


def found(
    rule: str, stack: str, title: str, message: str, *, detail: str = "", docs: str = ""
) -> Finding:
    """Return a finding about the resource *title*, or about the stack if it is empty."""
    return Finding(
        rule=rule,
        level="warning",
        message=message,
        path=("Resources", title) if title else (),
        row=1,
        column=1,
        docs=docs,
        stack=stack,
        detail=detail,
    )


def run(argv: Sequence[str | Path], *, cwd: Path, codes: Collection[int]) -> str:
    """Return the standard output; raise ScannerError for an exit code that is not in *codes*."""
    home = CACHE / "home"  # It has neither settings nor credentials of the user.
    home.mkdir(parents=True, exist_ok=True)
    env = {"HOME": str(home), "PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
    result = subprocess.run(
        argv,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60 * MINUTES,
        check=False,
    )
    if result.returncode not in codes:
        said = (result.stderr or result.stdout)[-1000:]
        raise ScannerError(f"{Path(argv[0]).name} exited with {result.returncode}: {said}")
    return result.stdout


def seen(subjects: Subjects, stacks: Collection[str]) -> None:
    """Raise ScannerError unless the scanner has read every template."""
    if unread := sorted({each.name for each in subjects} - set(stacks)):
        raise ScannerError(f"these templates were not read: {', '.join(unread)}")
