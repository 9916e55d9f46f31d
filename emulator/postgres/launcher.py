"""Becomes one of PostgreSQL's programs, which then is not root and ends when the emulator ends.

    python launcher.py LOCK PARENT PROGRAM ARGUMENT…

It holds LOCK, and so do all processes of the PostgreSQL it becomes, however each of them ends:
that is how others know that one still runs.
PostgreSQL refuses to run as root. Root gets it a user namespace of its own, in which the same
user has another number: files stay root's, and no user is made on the machine.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import signal
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))  # It is started on its own.

from deployer.isolation import namespaces

LINUX = namespaces.LINUX
NO_NAMESPACE = "PostgreSQL does not run as root, and root may not make a user namespace here"


def become(lock: str, parent: int, command: list[str]) -> None:
    """Become *command*; *parent* is the process whose death ends it."""
    _hold(lock)
    if os.geteuid() == 0:
        _leave_root()
    _end_with(parent)
    os.execv(command[0], command)  # noqa: S606  It is what we were told to become.


def _hold(lock: str) -> None:
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.set_inheritable(descriptor, True)  # noqa: FBT003  The function has no keyword.


def _leave_root() -> None:
    """Go on as nobody in a namespace where nobody is who root is outside."""
    user = pwd.getpwnam("nobody")  # initdb wants a name for its number.
    if not LINUX:
        sys.exit(NO_NAMESPACE)
    try:
        namespaces.unshare(namespaces.NEW_USER)
    except OSError:
        sys.exit(NO_NAMESPACE)
    namespaces.map_user(user.pw_uid, user.pw_gid, outside_user=0, outside_group=0)


def _end_with(parent: int) -> None:
    """Shut down cleanly when *parent* dies, `kill -9` included. Only Linux can tell us of it."""
    namespaces.signal_when_parent_dies(signal.SIGINT)
    if os.getppid() != parent:
        sys.exit("whoever started PostgreSQL is gone already")


if __name__ == "__main__":
    become(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
