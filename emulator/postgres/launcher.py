"""Run a program of PostgreSQL until the emulator ends, but not as root.

    python launcher.py LOCK PARENT PROGRAM ARGUMENT…

The launcher replaces itself with the program, which ends when the process PARENT ends. The program
and all its child processes hold the lock file LOCK, so other processes can check whether one of
them is still running.
PostgreSQL refuses to run as root. If root runs the launcher, it creates a user namespace in which
root is the user "nobody". Outside of the namespace root still owns the files, and the machine needs
no further user.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import signal
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))  # This file is run as a script.

from deployer.isolation import namespaces

LINUX = namespaces.LINUX
NO_NAMESPACE = "PostgreSQL does not run as root, and root cannot create a user namespace here"


def execute(lock: str, parent: int, command: list[str]) -> None:
    """Replace this process by *command*, which ends when the process *parent* ends."""
    _acquire_lock(lock)
    if os.geteuid() == 0:
        _become_unprivileged()
    _end_with_parent(parent)
    os.execv(command[0], command)  # noqa: S606  The command is an argument of this program.


def _acquire_lock(lock: str) -> None:
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.set_inheritable(descriptor, True)  # noqa: FBT003  The function has no keyword.


def _become_unprivileged() -> None:
    """Enter a user namespace in which root is the user "nobody"."""
    user = pwd.getpwnam("nobody")  # initdb looks up the name of the user.
    if not LINUX:
        sys.exit(NO_NAMESPACE)
    try:
        namespaces.unshare(namespaces.NEW_USER)
    except OSError:
        sys.exit(NO_NAMESPACE)
    namespaces.map_user(user.pw_uid, user.pw_gid, outside_user=0, outside_group=0)


def _end_with_parent(parent: int) -> None:
    """Shut down cleanly when *parent* ends, also by `kill -9`; only Linux has a signal for this."""
    namespaces.signal_when_parent_dies(signal.SIGINT)
    if os.getppid() != parent:
        sys.exit("the process that started PostgreSQL has ended")


if __name__ == "__main__":
    execute(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
