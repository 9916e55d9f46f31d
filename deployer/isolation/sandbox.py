"""Build the command line of an isolated command, and detect the isolation of this machine.

    command = sandbox.command([python(), "-I", "/var/task/main.py"], liveness=liveness_pipe().reader)
    subprocess.run(command, env=environment(variables), pass_fds=[liveness_pipe().reader])

On Linux the command runs in its own user, mount, process and IPC namespaces, and its file system
has only the files of a Sandbox. On macOS, and on a machine that does not allow namespaces, it has
the user's file system, and only its environment, its descriptors and its lifetime are limited.
`level` returns the supported level, `requirement` the required one. The network is never isolated.
"""

from __future__ import annotations

import contextlib
import functools
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from deployer.errors import IsolationError
from deployer.isolation import launcher

Level = Literal["namespaces", "environment"]
Requirement = Literal["auto", "required", "off"]
VARIABLE = "CRUDDUR_ISOLATION"

_CHECKOUT = Path(__file__).resolve().parents[2]
_PROBE_SECONDS = 30
_START = f"""
import sys
sys.path.append({str(_CHECKOUT)!r})
from deployer.isolation import launcher
launcher.main(sys.argv[1:])
"""
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store")
_ETC_FOLDERS = ("/etc/ssl/certs", "/etc/pki/ca-trust", "/etc/pki/tls/certs", "/etc/alternatives")
_ETC_FILES = (
    *("/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/host.conf"),
    *("/etc/services", "/etc/protocols", "/etc/ld.so.cache", "/etc/localtime"),
    *("/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf"),
)
_PASSWD = "sandbox:x:1000:1000::/tmp:/usr/sbin/nologin\n"  # noqa: S105  No password.
_GROUP = "sandbox:x:1000:\n"


@dataclass(frozen=True)
class Sandbox:
    """The file system of a command.

    *files* maps paths inside the sandbox to host paths; the system's programs are always visible.
    Everything is read-only except /tmp, which is a new folder. *hidden* are folders that are not
    visible, even if a system folder contains them. Without namespaces all files are visible.
    SIGTERM kills the command, unless *forwards_sigterm*: then the command gets the signal.
    """

    level: Level
    files: Mapping[str, Path] = field(default_factory=dict)
    folder: str = "/tmp"  # noqa: S108  Not the machine's /tmp.
    hidden: tuple[Path, ...] = ()
    forwards_sigterm: bool = False

    def command(self, command: Sequence[str], *, liveness: int) -> list[str]:
        """Return the command line that runs *command* until the pipe *liveness* closes."""
        options: list[str] = []
        if self.level == "namespaces":
            options = [*_system_options(), *self._file_options()]
        if self.forwards_sigterm:
            options += ["--sigterm", "forward"]
        start = [python(), "-I", "-S", "-c", _START, self.level, str(liveness)]
        return [*start, *options, "--", self.folder, *command]

    def _file_options(self) -> Iterator[str]:
        for target, source in self.files.items():
            yield from ("--bind", os.path.realpath(source), target)
        for hidden in self.hidden:
            if (path := os.path.realpath(hidden)) != "/":  # The home folder of some system users.
                yield from ("--hide", path)


class LivenessPipe:
    """A pipe whose writing end closes when this process ends, for any reason."""

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()


@functools.cache
def liveness_pipe() -> LivenessPipe:
    """Return the pipe that is open while this process runs; sandboxes end when it closes."""
    return LivenessPipe()


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the launcher that gives the command *variables*.

    The launcher itself is not isolated. A variable such as LD_PRELOAD would make the dynamic linker
    load a library into it, so all names get a prefix that the launcher removes.
    """
    return {f"{launcher.VARIABLE}{name}": value for name, value in variables.items()}


def python() -> str:
    """Return the path of the interpreter itself, not of a venv's link: sandboxes have no venv."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def requirement() -> Requirement:
    """Return the isolation that the user requires by CRUDDUR_ISOLATION."""
    value = os.environ.get(VARIABLE, "auto")
    if value not in get_args(Requirement):
        known = ", ".join(get_args(Requirement))
        raise IsolationError(
            f"{VARIABLE}: {value!r} is not one of {known}",
            hint=f"unset {VARIABLE}, or set it to one of these",
        )
    return value  # type: ignore[return-value]  # Compared with all values of the type.


@functools.cache
def level() -> Level:
    """Return the level of isolation of this machine; raise IsolationError if more is required.

    The level is detected once, by running Python in a sandbox.
    """
    required = requirement()
    if required == "off":
        return "environment"
    problem = _problem()
    if problem and required == "required":
        raise IsolationError(
            f"{VARIABLE}=required: this machine cannot isolate code: {problem}",
            hint=f"allow unprivileged user namespaces (docs/emulator.md), or unset {VARIABLE}",
        )
    return "environment" if problem else "namespaces"


def private_folders(*more: Path) -> tuple[Path, ...]:
    """Return the folders that are hidden in every sandbox: home, the checkout, and *more*."""
    homes = [Path(os.environ["HOME"])] if os.environ.get("HOME") else []
    with contextlib.suppress(KeyError):  # A container may run as a user without a name.
        homes.append(Path(pwd.getpwuid(os.getuid()).pw_dir))
    return (*homes, _CHECKOUT, *more)


def _problem() -> str:
    """Return why this machine does not allow namespaces; empty if it does."""
    if sys.platform != "linux":
        return f"{sys.platform} has no namespaces"
    sandbox = Sandbox("namespaces", hidden=private_folders())
    command = sandbox.command(
        [python(), "-I", "-S", "-c", "import ctypes, hashlib, socket"],
        liveness=liveness_pipe().reader,
    )
    try:
        done = subprocess.run(
            command,
            env={},
            pass_fds=[liveness_pipe().reader],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_PROBE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"no result within {_PROBE_SECONDS} s"
    message = done.stderr.decode(errors="replace").strip()
    return (message or f"exit code {done.returncode}") if done.returncode else ""


@functools.cache
def _system_options() -> tuple[str, ...]:
    return tuple(_system())


def _system() -> Iterator[str]:
    """Yield the options for every sandbox: programs, libraries, Python, name lookup, certificates."""
    for path in _SYSTEM:
        if Path(path).is_symlink():  # Such as /bin → usr/bin.
            yield from ("--link", path, str(Path(path).readlink()))
        elif Path(path).is_dir():
            yield from ("--bind", path, path)
    prefix = os.path.realpath(sys.base_prefix)
    if not prefix.startswith(("/usr/", "/nix/store/")) and prefix != "/usr":
        yield from ("--bind", prefix, prefix)
    for path in _ETC_FOLDERS:
        if Path(path).is_dir():
            yield from ("--bind", os.path.realpath(path), path)
    for path in _ETC_FILES:
        if os.access(path, os.R_OK):
            yield from ("--copy", os.path.realpath(path), path)
    yield from ("--write", "/etc/passwd", _PASSWD, "--write", "/etc/group", _GROUP)
