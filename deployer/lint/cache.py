"""Remembers what cfn-lint said, so that it is asked once about the same text."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from deployer.errors import LintError
from deployer.files import write_atomically
from deployer.lint.findings import Answer, Finding

_OWN = re.compile(r"[0-9a-f]{64}(\.[0-9]+)?")  # A cached answer, named by its key, or its draft.
KEPT = 500  # answers remembered: some thirty syntheses of an environment


class Memory:
    """Answers by key in a folder: whole or not at all, and none if it cannot be written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def recall(self, key: str) -> Answer | None:
        """The answer kept under *key*; None if there is none or it was damaged."""
        path = self._folder / key
        try:
            seal, _, body = path.read_text(encoding="utf-8").partition("\n")
            if seal != _digest(key, body):
                return None
            os.utime(path)  # Used now, so not the first to be forgotten.
        except (OSError, UnicodeDecodeError):
            return None
        return tuple(Finding(**{**row, "path": tuple(row["path"])}) for row in json.loads(body))

    def keep(self, answers: Mapping[str, Answer]) -> None:
        """Write *answers*, and delete the least recently used ones.

        Several checkouts may share the folder through a link: only cached answers are deleted.
        """
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            for key, answer in answers.items():
                self._write(key, json.dumps([asdict(finding) for finding in answer]))
            own = (path for path in self._folder.iterdir() if _OWN.fullmatch(path.name))
            entries = sorted(own, key=lambda path: path.stat().st_mtime)
            for path in entries[:-KEPT]:
                path.unlink(missing_ok=True)

    def _write(self, key: str, body: str) -> None:
        write_atomically(self._folder / key, f"{_digest(key, body)}\n{body}")


def key(text: str, region: str) -> str:
    """What an answer about *text* in *region* depends on."""
    return _digest(_versions(), region, text)


@cache
def _versions() -> str:
    """What cfn-lint is, what Python is, and what this package makes of it.

    The version is read without importing cfn-lint, nor importlib.metadata: 2 s and 40 ms.
    """
    found = find_spec("cfnlint")
    if found is None or found.origin is None:
        raise LintError("cfn-lint is not installed", hint="run this through ./inv")
    version = Path(found.origin).with_name("version.py").read_text(encoding="utf-8")
    ours = sorted(Path(__file__).parent.glob("*.py"))
    return _digest(version, sys.version, *(file.read_text(encoding="utf-8") for file in ours))


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
