"""Delete the bodies of S3 objects whose bucket is not in the saved state.

Such bodies remain if the server was killed before it saved their bucket. When MiniStack is
imported, it creates a bucket for each folder of bodies. So the folders must be deleted before the
import: a stack that is deployed again could not create a bucket that exists.
"""

from __future__ import annotations

import ast
import json
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.paths import EmulatorPaths


def delete(paths: EmulatorPaths) -> None:
    """Delete the bodies of buckets that were not saved; delete nothing if the state is invalid."""
    saved = _saved_buckets(paths)
    if saved is None:
        return
    for account in paths.objects.iterdir():
        for bucket in account.iterdir() if account.name.isdigit() else ():
            if (account.name, bucket.name) not in saved:
                shutil.rmtree(bucket)


def _saved_buckets(paths: EmulatorPaths) -> set[tuple[str, str]] | None:
    """Return account and name of each bucket, from MiniStack's keys: ACCOUNT, NUL, repr(NAME).

    Return None if the state cannot be read: state.load then raises the reason, and nothing may be
    deleted until the state is corrected.
    """
    if not paths.state.exists():
        return set()
    try:
        services = json.loads(paths.state.read_text())["services"]
        pairs = [key.split("\0", 1) for key in services["s3"]["buckets_meta"]["data"]]
        return {(account, ast.literal_eval(name)) for account, name in pairs}
    except (KeyError, OSError, RecursionError, SyntaxError, TypeError, ValueError):
        return None
