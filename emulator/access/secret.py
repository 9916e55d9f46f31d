"""The secret key of the emulator's folder: random, readable by its owner only, never sent.

It is the secret access key of the root user of every account. Clients sign requests with it, and
the server uses it to prove that it is the server of the folder.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from typing import TYPE_CHECKING

from deployer.errors import EmulatorError

if TYPE_CHECKING:
    from pathlib import Path

_BYTES = 30  # 40 characters, as many as AWS's secret access keys have.
_SECRET = re.compile(r"[A-Za-z0-9_-]{40}")
_CHALLENGE = re.compile(r"[0-9a-f]{64}")


def create(file: Path) -> None:
    """Write a new secret to *file* unless it exists; of several concurrent calls, only one writes."""
    if file.exists():
        return
    temporary_file = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(
        temporary_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600
    )
    try:
        with os.fdopen(descriptor, "w") as opened:
            opened.write(secrets.token_urlsafe(_BYTES) + "\n")
        os.link(temporary_file, file)
    except FileExistsError:
        pass
    finally:
        temporary_file.unlink()


def read(file: Path) -> str:
    """Return the secret in *file*; raise EmulatorError if another user may read or write it."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise _unusable(file, f"cannot be read: {error.strerror}") from None
    with os.fdopen(descriptor) as opened:
        status = os.fstat(opened.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise _unusable(file, "is not a regular file")
        if status.st_uid != os.geteuid():
            raise _unusable(file, "belongs to another user")
        if status.st_mode & 0o077:
            raise _unusable(file, "is open to other users")
        text = opened.read(100).strip()
    if not _SECRET.fullmatch(text):
        raise _unusable(file, "does not contain a secret key")
    return text


def new_challenge() -> str:
    """Return a new random challenge for a server."""
    return secrets.token_hex(32)


def proof(secret: str, challenge: str) -> str | None:
    """Return the response to *challenge*, computed from *secret*; None if it is malformed."""
    if not _CHALLENGE.fullmatch(challenge):
        return None
    return derive(secret, f"server {challenge}")


def derive(secret: str, purpose: str) -> str:
    """Return 64 hex digits that are derived from *secret* for *purpose*, and do not disclose it.

    The HMAC key is the secret. That of Signature Version 4 is "AWS4" and the secret, so no signature
    of a request can be such a value.
    """
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def _unusable(file: Path, reason: str) -> EmulatorError:
    hint = f"delete {file}, then run ./inv emulator.start to create a new one"
    return EmulatorError(f"{file}: the secret key {reason}", hint=hint)
