"""Measure the CPU time of a test run, including all processes that it starts.

    python -m tests.bench.suite_cpu_time [PYTEST ARGUMENTS]

Tests start emulators that detach themselves, and these start PostgreSQL. This process therefore
becomes their subreaper: each orphan becomes its child, and is counted when it ends.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = "SUITE_CPU_FOLDER"
PR_SET_CHILD_SUBREAPER = 36
_TEST_FOLDER = re.compile(rb"/(?:popen-gw\d+|pytest-\d+)/(test_\w+?)\d/")
# The programs of detached processes, by a part of the command; the processes that a fork server
# starts are the commands of end-to-end tests.
_PROGRAMS = {
    b"full_deployment": "emulator of all stacks",
    b"-m\0emulator": "other emulators",
    b"fork_server.py": "fork servers and their commands",
    b"postgres": "PostgreSQL",
    b"chrom": "Chromium",
}


def main() -> int:
    """Run pytest, print the CPU time by file and folder, and return its exit code."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        sys.exit(f"error: prctl: {os.strerror(ctypes.get_errno())}")
    # Shells start background processes with SIGINT ignored, but tests send it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.bench.suite_cpu_time",
            *sys.argv[1:],
        ]
        env = os.environ | {FOLDER: folder}
        env.pop("PYTHONDONTWRITEBYTECODE", None)  # As `./inv test` does.
        process = subprocess.Popen(command, env=env)
        orphans = Orphans(process.pid)
        code = orphans.wait()
        wall = time.monotonic() - started
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        parts = [json.loads(file.read_text()) for file in Path(folder).iterdir()]
    files: Counter[str] = Counter()
    for part in parts:
        files.update(part["files"])
    tests = {name: file for part in parts for name, file in part["tests"].items()}
    for name, seconds in orphans.seconds.items():
        files[tests.get(name, f"detached: {name or 'other'}")] += seconds
    total = usage.ru_utime + usage.ru_stime
    files["imports, collection, pytest itself"] = total - files.total()
    print("".join(report(files)), end="")
    print(
        f"user {usage.ru_utime:.0f} s + system {usage.ru_stime:.0f} s = {total:.0f} s of CPU time"
    )
    print(f"of these in detached processes: {orphans.seconds.total():.0f} s")
    print(f"wall time {wall:.0f} s, {os.cpu_count()} cores")
    for pid in orphans.alive():
        print(f"still running: {pid}")
    return code


def report(files: Counter[str]) -> Iterator[str]:
    """Yield the lines of the two tables: by file, then by folder."""
    folders: Counter[str] = Counter()
    for file, seconds in files.most_common():
        folders["/".join(file.split("/")[:2]) if "/" in file else file] += seconds
        if seconds >= 0.5:
            yield f"{seconds:8.1f} s  {file}\n"
    yield "\n"
    for folder, seconds in folders.most_common():
        yield f"{seconds:8.1f} s  {folder}\n"
    yield "\n"


class Orphans:
    """Waits for the run and reaps the processes that detached themselves from it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.seconds: Counter[str] = Counter()
        self._names: dict[int, str] = {}
        self._ended = threading.Event()
        threading.Thread(target=self._find_names, daemon=True).start()

    def wait(self) -> int:
        """Reap processes until all of the run have ended, or 20 s after the run; return its exit code."""
        code = deadline = None
        while deadline is None or time.monotonic() < deadline:
            try:
                pid, status, usage = os.wait4(-1, 0 if deadline is None else os.WNOHANG)
            except ChildProcessError:
                break
            if pid == self.pid:
                code, deadline = os.waitstatus_to_exitcode(status), time.monotonic() + 20
            elif pid:
                name = self._names.get(pid, "")
                self.seconds[name] += usage.ru_utime + usage.ru_stime
            else:
                time.sleep(0.1)
        self._ended.set()
        return code or 0

    def alive(self) -> list[int]:
        """Return the ids of children that have not ended."""
        return [int(pid) for pid in _children()]

    def _find_names(self) -> None:
        """Record which test or program each process belongs to, until the run ends."""
        while not self._ended.wait(0.5):
            for process in Path("/proc").glob("[0-9]*"):
                pid = int(process.name)
                if pid not in self._names:
                    self._names[pid] = _name_of(process)


def _children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def _name_of(process: Path) -> str:
    """Return the test folder that the command of a process names, or its program, or ''."""
    try:
        command = (process / "cmdline").read_bytes()
    except OSError:
        return ""
    if found := _TEST_FOLDER.search(command):
        return found[1].decode()
    return next((name for part, name in _PROGRAMS.items() if part in command), "")


_FILES: Counter[str] = Counter()
_TESTS: dict[str, str] = {}


def _used() -> float:
    """Return the CPU time of this process and of those that it has waited for."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Add the CPU time of a test to that of its file."""
    file = item.nodeid.partition("::")[0]
    name = item.nodeid.rpartition("::")[2]
    _TESTS[item.nodeid] = _TESTS[re.sub(r"\W", "_", name)[:30]] = file
    before = _used()
    try:
        return (yield)
    finally:
        _FILES[file] += _used() - before


def pytest_sessionfinish() -> None:
    """Write the CPU times of the tests in this process."""
    if folder := os.environ.get(FOLDER):
        part = {"files": _FILES, "tests": _TESTS}
        (Path(folder) / f"{os.getpid()}.json").write_text(json.dumps(part))


if __name__ == "__main__":
    sys.exit(main())
