"""Explain a change of a function's code by its files and its locked packages."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any, Literal

from deployer.preview.values import CodeChange, FileChange, PackageChange

LAMBDAS, SHARED = "lambdas", "lambdas/shared/"
_KEY = re.compile(r"(?:^|/)lambdas/([^/]+)/[0-9a-f]{16,}\.zip$")
_LOCKED = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)", re.MULTILINE)


def function_of(properties: Mapping[str, Any]) -> str:
    """Return the name of the function in lambdas/ whose zip a Lambda function uses; may be empty."""
    match properties.get("Code"):
        case {"S3Key": str(key)} if match := _KEY.search(key):
            return match[1]
        case _:
            return ""


def code_change(
    name: str, before: Mapping[str, bytes], after: Mapping[str, bytes], packed: Collection[str]
) -> CodeChange:
    """Return the change of the code of lambdas/*name*.

    *before* and *after* map paths in the repository to contents. They have the files in the zip,
    which are listed in *packed*, removed files, and the lock file.
    """
    lock = f"{LAMBDAS}/{name}/requirements.txt"

    def belongs(path: str) -> bool:
        return path != lock and (path in packed or path not in after)

    return CodeChange(
        name,
        tuple(_file_changes(before, after, [*filter(belongs, sorted({*before, *after}))])),
        tuple(_package_changes(before.get(lock, b""), after.get(lock, b""))),
    )


def _file_changes(
    before: Mapping[str, bytes], after: Mapping[str, bytes], paths: Collection[str]
) -> Iterator[FileChange]:
    for path in paths:
        old, new = before.get(path), after.get(path)
        if old != new:
            added, removed = _changed_lines(old or b"", new or b"")
            direction: Literal["added", "removed", "changed"]
            direction = "added" if old is None else "removed" if new is None else "changed"
            yield FileChange(path, direction, added, removed)


def _changed_lines(old: bytes, new: bytes) -> tuple[int, int]:
    """Return the numbers of added and removed lines."""
    before, after = old.splitlines(), new.splitlines()
    added = removed = 0
    for tag, start, end, new_start, new_end in SequenceMatcher(
        None, before, after, autojunk=False
    ).get_opcodes():
        if tag != "equal":
            removed += end - start
            added += new_end - new_start
    return added, removed


def _package_changes(before: bytes, after: bytes) -> Iterator[PackageChange]:
    old, new = (dict(_LOCKED.findall(lock.decode(errors="replace"))) for lock in (before, after))
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield PackageChange(name, old.get(name, ""), new.get(name, ""))
