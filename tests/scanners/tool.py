"""The interface of a scanner, and running its command without the environment variables of the user."""

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

TIMEOUT_MINUTES = 5  # Each scanner needs seconds.

Subjects: TypeAlias = Sequence[Subject]


@dataclass(frozen=True)
class Tool:
    """A third-party scanner; its name prefixes its rules, as in checkov:CKV_AWS_18.

    *install* is called first. *find* is called with the templates and with the folder that has
    them as STACK.yaml; it may create files in the parent of that folder.
    """

    name: str
    install: Callable[[], object]
    find: Callable[[Subjects, Path], Sequence[Finding]]


def new_finding(
    rule: str, stack: str, title: str, message: str, *, detail: str = "", docs: str = ""
) -> Finding:
    """Return a finding about the resource *title*, or about the whole stack if that is empty."""
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
    """Return the standard output of a command. Raise ScannerError unless it exits with one of *codes*."""
    home = CACHE / "home"  # Without the settings and credentials of the user.
    home.mkdir(parents=True, exist_ok=True)
    env = {"HOME": str(home), "PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
    try:
        result = subprocess.run(
            argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60 * TIMEOUT_MINUTES,
            check=False,
        )
    except subprocess.TimeoutExpired:
        message = f"{Path(argv[0]).name} did not end within {TIMEOUT_MINUTES} minutes"
        raise ScannerError(message) from None
    if result.returncode not in codes:
        output = (result.stderr or result.stdout)[-1000:]
        raise ScannerError(f"{Path(argv[0]).name} exited with {result.returncode}: {output}")
    return result.stdout


def check_all_read(subjects: Subjects, stacks: Collection[str]) -> None:
    """Raise ScannerError unless *stacks* has all templates: one that was not read has no findings."""
    if unread := sorted({subject.name for subject in subjects} - set(stacks)):
        raise ScannerError(f"these templates were not read: {', '.join(unread)}")
