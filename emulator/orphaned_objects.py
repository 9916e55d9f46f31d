"""Removes bodies of S3 objects whose bucket the saved state does not know: its making was lost.

ministack makes a bucket of every folder it finds when it is imported, so this comes before that;
else the stack that lost its bucket could not make it again.
"""

from __future__ import annotations

import ast
import json
import shutil

from emulator.paths import Folder


def drop_unsaved(folder: Folder) -> None:
    """Delete objects that belong to no saved bucket; nothing if the state cannot be read."""
    known = _saved_buckets(folder)
    if known is None:
        return
    for account in folder.objects.iterdir():
        for bucket in account.iterdir() if account.name.isdigit() else ():
            if (account.name, bucket.name) not in known:
                shutil.rmtree(bucket)


def _saved_buckets(folder: Folder) -> set[tuple[str, str]] | None:
    """Return account and name of each bucket, from ministack's keys: ACCOUNT, NUL, repr(NAME).

    None if the state cannot be read: state.load then raises the reason, and nothing may be deleted
    until the state is corrected.
    """
    if not folder.state.exists():
        return set()
    try:
        services = json.loads(folder.state.read_text())["services"]
        pairs = [key.split("\0", 1) for key in services["s3"]["buckets_meta"]["data"]]
        return {(account, ast.literal_eval(name)) for account, name in pairs}
    except (KeyError, OSError, RecursionError, SyntaxError, TypeError, ValueError):
        return None
