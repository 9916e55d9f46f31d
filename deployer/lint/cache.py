"""Cache the findings of cfn-lint in files, one per template."""

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
from deployer.lint.findings import Finding, Findings

_ENTRY = re.compile(r"[0-9a-f]{64}|\.[0-9a-f]{64}\..+")  # An entry, named by its key, or its draft.
MAX_ENTRIES = 500  # About thirty versions of the templates of an environment.


class Cache:
    """A folder of findings by key.

    An entry is read completely or not at all. If the folder cannot be written, nothing is cached.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, key: str) -> Findings | None:
        """Return the findings with this *key*; None if there are none or the file is damaged."""
        path = self._folder / key
        try:
            digest, _, body = path.read_text(encoding="utf-8").partition("\n")
            if digest != _digest(key, body):
                return None
            os.utime(path)  # The entries that were not used for the longest time are deleted first.
        except (OSError, UnicodeDecodeError):
            return None
        return tuple(Finding(**{**row, "path": tuple(row["path"])}) for row in json.loads(body))

    def write(self, results: Mapping[str, Findings]) -> None:
        """Write the *results* by key, and delete the least recently used entries.

        Several checkouts may share the folder through a symbolic link, so files that are not entries
        are never deleted.
        """
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            for key, findings in results.items():
                self._write(key, json.dumps([asdict(finding) for finding in findings]))
            entries = [path for path in self._folder.iterdir() if _ENTRY.fullmatch(path.name)]
            entries.sort(key=lambda path: path.stat().st_mtime)
            for path in entries[:-MAX_ENTRIES]:
                path.unlink(missing_ok=True)

    def _write(self, key: str, body: str) -> None:
        write_atomically(self._folder / key, f"{_digest(key, body)}\n{body}")


def cache_key(text: str, region: str) -> str:
    """Return a digest of everything that the findings of a template depend on."""
    return _digest(_versions(), region, text)


@cache
def _versions() -> str:
    """Return a digest of the version of cfn-lint, of Python and of this package.

    The version is read without an import of cfn-lint (2 s) or importlib.metadata (40 ms).
    """
    spec = find_spec("cfnlint")
    if spec is None or spec.origin is None:
        raise LintError("cfn-lint is not installed", hint="run this through ./inv")
    version = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    modules = sorted(Path(__file__).parent.glob("*.py"))
    return _digest(version, sys.version, *(file.read_text(encoding="utf-8") for file in modules))


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
