"""Lock files: the kernel releases a lock when the process that holds it ends, for any reason.

So a lock shows whether a process is running. A process id in a file does not: the
process may have ended, and another process may have the same id now.
"""

from __future__ import annotations

import contextlib
import fcntl
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def is_locked(path: Path) -> bool:
    """Return whether a process holds the lock *path*."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def acquire(path: Path) -> IO[bytes] | None:
    """Return the open lock file, locked until it is closed; None if another process holds the lock."""
    file = path.open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock *path*; wait for it if another process holds it."""
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
