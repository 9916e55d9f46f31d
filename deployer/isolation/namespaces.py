"""Linux system calls that Python 3.11 has no function for: namespaces, mounts, prctl.

Programs without third-party packages import this module, so it uses the standard library only.
"""

from __future__ import annotations

import ctypes
import os
import sys

LINUX = sys.platform == "linux"

# Flags of unshare(2).
NEW_MOUNTS = 0x00020000  # CLONE_NEWNS
NEW_IPC = 0x08000000  # CLONE_NEWIPC
NEW_USER = 0x10000000  # CLONE_NEWUSER
NEW_PROCESSES = 0x20000000  # CLONE_NEWPID

# Flags of mount(2). The attributes of mount_setattr(2) have the same values.
READ_ONLY = 0x1  # MS_RDONLY
NO_SETUID = 0x2  # MS_NOSUID
NO_DEVICES = 0x4  # MS_NODEV
NO_EXECUTION = 0x8  # MS_NOEXEC
_BIND = 0x1000  # MS_BIND
_RECURSIVE = 0x4000  # MS_REC
_PRIVATE = 0x40000  # MS_PRIVATE

_DETACH = 2  # MNT_DETACH of umount2(2)
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_SYS_MOUNT_SETATTR = 442
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000

_SIGNAL_WHEN_PARENT_DIES = 1  # PR_SET_PDEATHSIG
_SET_DUMPABLE = 4  # PR_SET_DUMPABLE
_NO_NEW_PRIVILEGES = 38  # PR_SET_NO_NEW_PRIVS
_SYS_KEYCTL = {"x86_64": 250, "aarch64": 219}
_JOIN_SESSION_KEYRING = 1  # KEYCTL_JOIN_SESSION_KEYRING


class _MountAttributes(ctypes.Structure):
    """struct mount_attr of mount_setattr(2)."""

    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Move this process into new namespaces; a new PID namespace has only its later children."""
    _check(_libc.unshare(flags), "unshare")


def map_user(user: int, group: int, *, outside_user: int, outside_group: int) -> None:
    """Map the only user and group of this new user namespace to other ids inside it."""
    _write("/proc/self/uid_map", f"{user} {outside_user} 1")
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/gid_map", f"{group} {outside_group} 1")


def forbid_namespaces() -> None:
    """Forbid user namespaces within this one, if /proc/sys is writable."""
    try:
        _write("/proc/sys/user/max_user_namespaces", "0")
    except OSError:
        return


def make_mounts_private() -> None:
    """Make all mounts private: later mounts do not propagate to other namespaces."""
    _mount(None, "/", None, _RECURSIVE | _PRIVATE, None)


def bind(source: str, target: str) -> None:
    """Mount *source*, with the mounts below it, at *target* too."""
    _mount(source, target, None, _BIND | _RECURSIVE, None)


def mount(kind: str, target: str, flags: int, options: str = "") -> None:
    """Mount a new file system of *kind* at *target*."""
    _mount(kind, target, kind, flags, options or None)


def restrict(target: str, attributes: int, *, recursive: bool = False) -> None:
    """Add mount attributes such as READ_ONLY to the mount at *target* (Linux 5.12)."""
    new_attributes = _MountAttributes(attr_set=attributes)
    flags = _AT_RECURSIVE if recursive else 0
    result = _libc.syscall(
        _SYS_MOUNT_SETATTR,
        _AT_FDCWD,
        os.fsencode(target),
        flags,
        ctypes.byref(new_attributes),
        ctypes.sizeof(new_attributes),
    )
    _check(result, f"mount_setattr {target}")


def pivot_root(new: str, old: str) -> None:
    """Make *new* the root folder and move the current root to *old*."""
    number = _SYS_PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError(f"pivot_root: not known for {os.uname().machine}")
    _check(_libc.syscall(number, os.fsencode(new), os.fsencode(old)), "pivot_root")


def detach(target: str) -> None:
    """Unmount *target* and all mounts below it."""
    _check(_libc.umount2(os.fsencode(target), _DETACH), f"umount {target}")


def signal_when_parent_dies(number: int) -> None:
    """Send this process a signal when the thread that started it ends; only on Linux."""
    if LINUX:
        _check(_libc.prctl(_SIGNAL_WHEN_PARENT_DIES, number, 0, 0, 0), "prctl")


def forbid_new_privileges() -> None:
    """Ignore the setuid bit of programs that this process and its children run; only on Linux."""
    if LINUX:
        _check(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")


def leave_session_keyring() -> None:
    """Join a new, empty session keyring: the old one may contain secrets of the user.

    Some kernels and containers have no keyrings. There the call fails, which is not an error.
    """
    if LINUX and (number := _SYS_KEYCTL.get(os.uname().machine)):
        _libc.syscall(number, _JOIN_SESSION_KEYRING, None)


def hide_memory() -> None:
    """Hide memory, environment and descriptors from other processes of the same user; on Linux."""
    if LINUX:
        _check(_libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0), "prctl")


def _mount(
    source: str | None, target: str, kind: str | None, flags: int, options: str | None
) -> None:
    texts = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    data = None if options is None else os.fsencode(options)
    result = _libc.mount(*texts, ctypes.c_ulong(flags), data)
    _check(result, f"mount {target}")


def _check(result: int, call: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
