"""Run one command isolated from this machine, and kill it when the calling process ends.

    launcher.main([LEVEL, LIVENESS, OPTION…, "--", FOLDER, PROGRAM, ARGUMENT…])

LIVENESS is the reading end of a pipe: when the writing end closes, the command is killed.
The command gets the environment variables whose names begin with SANDBOX_, without that prefix.
The options define the command's file system; they are used at the level "namespaces" only:

    --bind SOURCE TARGET    a file or folder, read-only
    --copy SOURCE TARGET    a small file
    --write TARGET TEXT     a small file with this text
    --link TARGET TEXT      a symbolic link
    --hide TARGET           an empty folder in place of one inside a --bind
    --memory MEGABYTES      the size of /tmp

This option is used at both levels:

    --sigterm forward       forward SIGTERM to the command, instead of killing it

There are three processes: the launcher, which waits for the command and for the pipe; an init
process, which is the first process of the new process namespace; and the command, which is a child
of the init process. All three come from one Python process by fork, so that Python starts only once.
"""

from __future__ import annotations

import errno
import os
import resource
import select
import signal
from collections.abc import Callable

from deployer.isolation import namespaces

NAMESPACES = "namespaces"
FAILED = 126  # The exit code when the command could not be isolated.
VARIABLE = "SANDBOX_"  # The prefix keeps variables such as LD_PRELOAD from affecting the launcher.
USER = 1000  # The id of the only user and the only group of the command.

# Lambda quotas: file descriptors, execution processes and threads. /tmp by default holds 512 MB.
_DESCRIPTORS = 1024
_PROCESSES = 1024
_FILE_BYTES = 512 * 1024 * 1024
_NPROC_PER_NAMESPACE = (5, 14)  # In older versions of Linux, RLIMIT_NPROC counts per user.

_STAGING = "/tmp"  # noqa: S108  A mount point that every machine has.
_OLD, _NEW = "/old", "/new"
_DEVICES = ("full", "null", "random", "urandom", "zero")
_DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "stderr": "/proc/self/fd/2",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
}
_SAFE = namespaces.READ_ONLY | namespaces.NO_SETUID | namespaces.NO_DEVICES
_STOP_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class Specification:
    """A command and its file system.

    Dataclasses and pathlib are not used here: each takes longer to import than everything else.
    """

    def __init__(self, level: str, liveness: int) -> None:
        self.level = level
        self.liveness = liveness
        self.folder = ""
        self.command: list[str] = []
        self.binds: dict[str, str] = {}  # Sources by target.
        self.texts: dict[str, bytes] = {}
        self.links: dict[str, str] = {}
        self.hidden: list[str] = []
        self.memory = 512
        self.forwards_sigterm = False
        # Opened before the new root folder is built, which may not have it.
        self.null_device = os.open(os.devnull, os.O_RDWR)


def main(arguments: list[str]) -> None:
    """Run the command and exit with its exit code."""
    spec = _read(arguments)
    os.set_inheritable(spec.liveness, False)  # noqa: FBT003  The function has no keyword.
    try:
        if spec.level == NAMESPACES:
            _enter_namespaces()
        _supervise(spec)
    except OSError as error:
        _fail(error)


def _read(arguments: list[str]) -> Specification:
    words = iter(arguments)
    spec = Specification(next(words), int(next(words)))
    for option in words:
        if option == "--":
            break
        target = next(words)
        if option == "--bind":
            spec.binds[next(words)] = target
        elif option == "--copy":
            spec.texts[next(words)] = _content(target)
        elif option == "--write":
            spec.texts[target] = next(words).encode()
        elif option == "--link":
            spec.links[target] = next(words)
        elif option == "--hide":
            spec.hidden.append(target)
        elif option == "--memory":
            spec.memory = int(target)
        elif option == "--sigterm":
            spec.forwards_sigterm = target == "forward"
        else:
            raise OSError(f"unknown option {option}")
    spec.folder, *spec.command = words
    return spec


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _enter_namespaces() -> None:
    user, group = os.geteuid(), os.getegid()
    namespaces.unshare(
        namespaces.NEW_USER | namespaces.NEW_MOUNTS | namespaces.NEW_PROCESSES | namespaces.NEW_IPC
    )
    namespaces.map_user(USER, USER, outside_user=user, outside_group=group)


def _supervise(spec: Specification) -> None:
    """Start the command; exit when it does, and kill it when the pipe closes or a signal arrives."""
    wakeup_reader, wakeup_writer = os.pipe()
    os.set_blocking(wakeup_writer, False)
    signal.set_wakeup_fd(wakeup_writer)
    for number in (signal.SIGCHLD, *_STOP_SIGNALS):
        signal.signal(number, lambda _number, _frame: None)
    child = os.fork()
    if child == 0:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, *_STOP_SIGNALS):
            signal.signal(number, signal.SIG_DFL)
        _run_child(_start_command, spec)
    _detach_standard_streams(spec)
    while (status := _exit_code(child)) is None:
        ready, _, _ = select.select([spec.liveness, wakeup_reader], [], [])
        signals = set() if spec.liveness in ready else set(os.read(wakeup_reader, 64))
        if spec.forwards_sigterm and signal.SIGTERM in signals:
            signals.remove(signal.SIGTERM)
            _terminate(child)
        if spec.liveness in ready or signals & set(_STOP_SIGNALS):
            _kill_group(child)
            os.waitpid(child, 0)
            os._exit(FAILED)
    _kill_group(child)  # Its child processes may still be running.
    os._exit(status)


def _start_command(spec: Specification) -> None:
    """Run in the child process: become the init process of the namespace, or the command itself."""
    os.setsid()
    namespaces.signal_when_parent_dies(signal.SIGKILL)
    namespaces.leave_session_keyring()
    if spec.level != NAMESPACES:
        _execute(spec)
    _kill_first_when_out_of_memory()
    namespaces.forbid_namespaces()
    _build_root(spec)
    command = os.fork()
    if command == 0:
        _run_child(_execute, spec)
    # The kernel discards a signal for an init process that has no handler for it.
    signal.signal(signal.SIGTERM, lambda _number, _frame: _terminate(command))
    _detach_standard_streams(spec)
    while True:
        process, status = os.wait()  # Also returns orphaned processes.
        if process == command:
            os._exit(_to_exit_code(status))  # The kernel then kills all others in the namespace.


def _execute(spec: Specification) -> None:
    _limit(spec.level)
    namespaces.forbid_new_privileges()
    os.chdir(spec.folder)
    os.execvpe(spec.command[0], spec.command, _environment())  # noqa: S606  The command to run.


def _environment() -> dict[str, str]:
    """Return the command's environment variables."""
    return {
        name.removeprefix(VARIABLE): value
        for name, value in os.environ.items()
        if name.startswith(VARIABLE)
    }


def _limit(level: str) -> None:
    """Apply Lambda's quotas to the command, as far as the kernel counts it separately."""
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: _DESCRIPTORS,
        resource.RLIMIT_FSIZE: _FILE_BYTES,
    }
    if level == NAMESPACES and _kernel_version() >= _NPROC_PER_NAMESPACE:
        limits[resource.RLIMIT_NPROC] = _PROCESSES
    for name, quota in limits.items():
        _, hard = resource.getrlimit(name)
        limit = quota if hard == resource.RLIM_INFINITY else min(quota, hard)
        resource.setrlimit(name, (limit, limit))


def _kernel_version() -> tuple[int, ...]:
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int("".join(digit for digit in minor if digit.isdigit()) or 0)


def _kill_first_when_out_of_memory() -> None:
    """Make the kernel kill the command before other processes when memory runs out."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
    except OSError:
        return


def _build_root(spec: Specification) -> None:
    """Replace the root folder of this process by one with only the files in *spec*."""
    namespaces.make_mounts_private()
    namespaces.mount("tmpfs", _STAGING, _SAFE & ~namespaces.READ_ONLY, "size=1m,mode=755")
    os.mkdir(_STAGING + _OLD)
    os.mkdir(_STAGING + _NEW)
    namespaces.pivot_root(_STAGING, _STAGING + _OLD)
    os.chdir("/")
    namespaces.mount("tmpfs", _NEW, _SAFE & ~namespaces.READ_ONLY, "size=4m,mode=755")
    _fill(spec)
    namespaces.restrict(_NEW, _SAFE, recursive=True)
    _add_devices()
    scratch = f"size={spec.memory}m,mode=1777"
    namespaces.mount("tmpfs", _NEW + _STAGING, _SAFE & ~namespaces.READ_ONLY, scratch)
    _mount_proc()
    os.chdir(_NEW)
    namespaces.pivot_root(".", ".")
    namespaces.detach(".")
    os.chdir("/")


def _fill(spec: Specification) -> None:
    """Create the binds, files and links of *spec*, parents before children."""
    for target in ("/dev", "/proc", _STAGING):
        os.makedirs(_NEW + target)
    for target in sorted({*spec.binds, *spec.hidden}):
        path = _NEW + target
        if target in spec.binds:
            _make_mount_point(_OLD + spec.binds[target], path)
            namespaces.bind(_OLD + spec.binds[target], path)
        elif os.path.isdir(path):
            namespaces.mount("tmpfs", path, _SAFE & ~namespaces.READ_ONLY, "size=1m,mode=755")
    for target, content in spec.texts.items():
        _make_parent(_NEW + target)
        with open(_NEW + target, "wb") as file:
            file.write(content)
    for target, text in spec.links.items():
        _make_parent(_NEW + target)
        os.symlink(text, _NEW + target)


def _make_mount_point(source: str, target: str) -> None:
    """Create a mount point for *source*: a folder for a folder, a file for a file."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
        return
    _make_parent(target)
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT, 0o644))


def _make_parent(path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)


def _add_devices() -> None:
    """Mount the devices that every program may need.

    They are the machine's devices. A read-only mount allows writing to a device, but prevents
    functions that root started from changing its permissions.
    """
    safe = namespaces.NO_SETUID | namespaces.NO_EXECUTION
    namespaces.mount("tmpfs", f"{_NEW}/dev", safe, "size=64k,mode=755")
    for name in _DEVICES:
        _make_mount_point(f"{_OLD}/dev/{name}", f"{_NEW}/dev/{name}")
        namespaces.bind(f"{_OLD}/dev/{name}", f"{_NEW}/dev/{name}")
    for name, target in _DEVICE_LINKS.items():
        os.symlink(target, f"{_NEW}/dev/{name}")
    namespaces.restrict(f"{_NEW}/dev", safe | namespaces.READ_ONLY, recursive=True)


def _mount_proc() -> None:
    """Mount /proc of the new namespace, unless the kernel forbids it, as in some containers.

    It is read-only, because functions started by root could otherwise write to /proc/sys.
    """
    flags = _SAFE | namespaces.NO_EXECUTION
    try:
        namespaces.mount("proc", f"{_NEW}/proc", flags)
    except PermissionError:
        return


def _run_child(action: Callable[[Specification], None], spec: Specification) -> None:
    """Run *action* in a child process and exit: a child must not return to its parent's code."""
    try:
        action(spec)
    except OSError as error:
        _fail(error)
    finally:
        os._exit(FAILED)


def _detach_standard_streams(spec: Specification) -> None:
    """Close this process's copies of the command's pipes: a reader waits until all are closed."""
    for stream in (0, 1, 2):
        os.dup2(spec.null_device, stream)


def _exit_code(child: int) -> int | None:
    process, status = os.waitpid(child, os.WNOHANG)
    return _to_exit_code(status) if process else None


def _to_exit_code(status: int) -> int:
    """Convert a wait status to an exit code; like a shell, 128 plus the number of a signal."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _terminate(process: int) -> None:
    """Send SIGTERM to a process, unless it has ended."""
    try:
        os.kill(process, signal.SIGTERM)
    except ProcessLookupError:
        return


def _kill_group(child: int) -> None:
    """Kill the child and its process group."""
    try:
        os.killpg(child, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _fail(error: OSError) -> None:
    reason = error.strerror or str(error)
    if error.filename and error.errno == errno.ENOENT:
        reason = f"{reason}: {error.filename}"
    os.write(2, f"isolation: {reason}\n".encode())
    os._exit(FAILED)
