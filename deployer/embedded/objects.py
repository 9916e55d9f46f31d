"""Removes bodies of S3 objects whose bucket the saved state does not know: its making was lost.

ministack makes a bucket of every folder it finds when it is imported, so this comes before that;
else the stack that lost its bucket could not make it again.
"""

from __future__ import annotations

import ast
import json
import shutil

from deployer.embedded.folder import Folder


def drop_unsaved(folder: Folder) -> None:
    """Leave under `objects` only what belongs to a saved bucket."""
    known = _saved_buckets(folder)
    for account in folder.objects.iterdir():
        for bucket in account.iterdir() if account.name.isdigit() else ():
            if (account.name, bucket.name) not in known:
                shutil.rmtree(bucket)


def _saved_buckets(folder: Folder) -> set[tuple[str, str]]:
    """Read account and name of each bucket, as ministack writes keys: ACCOUNT, NUL, repr(NAME)."""
    if not folder.state.exists():
        return set()
    try:
        services = json.loads(folder.state.read_text())["services"]
    except (ValueError, KeyError):
        return set()  # state.load says what is wrong with it, better than we could.
    keys = services.get("s3", {}).get("buckets_meta", {}).get("data", {})
    pairs = (key.split("\0", 1) for key in keys)
    return {(account, ast.literal_eval(name)) for account, name in pairs}
