"""Tasks that open a program for a person, at a terminal, as a shell would run them.

python -m tests.operations.at_terminal shell    on a terminal: runs what follows as its job
python -m tests.operations.at_terminal service  is the task `service.connect`, in no account
python -m tests.operations.at_terminal db       is the task `db.connect`
"""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
CTRL_C, CTRL_QUIT, CTRL_Z = b"\x03", b"\x1c", b"\x1a"


@dataclass
class Terminal:
    """A terminal, from the side of the person: what they type, and what they have been shown."""

    master: int
    shell: subprocess.Popen[bytes]
    shown: str = ""

    def type(self, keys: bytes) -> None:
        """Press *keys*."""
        os.write(self.master, keys)

    def wait_for(self, words: str, seconds: float = 20) -> None:
        """Look until *words* are shown, and forget all before them."""
        give_up = time.monotonic() + seconds
        while words not in self.shown:
            try:
                self.shown += os.read(self.master, 4096).decode()
            except BlockingIOError:
                time.sleep(0.01)
            except OSError:  # All that had the terminal have ended.
                give_up = 0
            assert time.monotonic() < give_up, f"never shown {words!r}:\n{self.shown}"
        self.shown = self.shown.partition(words)[2]


@contextmanager
def terminal(job: str, path: Path) -> Iterator[Terminal]:
    """A shell whose job is a task; programs are found in the folder *path* alone."""
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    command = [sys.executable, "-m", __name__]
    with subprocess.Popen(
        [*command, "shell", *command, job],
        cwd=ROOT,
        env={"PATH": str(path), "HOME": str(path)},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    ) as shell:
        os.close(slave)
        try:
            yield Terminal(master, shell)
        finally:
            os.close(master)  # Whoever is left hears that the terminal is gone.
            shell.kill()


def _shell(*command: str) -> None:
    """Run one job in the foreground; when it stops, say so and bring it back, as `fg` does.

    A key that is typed before it is said to be back is the shell's, which does nothing with it.
    """
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    job = subprocess.Popen(command, process_group=0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # Or to take the terminal back would stop it.
    _to_the_foreground(job)
    while True:
        _, status = os.waitpid(job.pid, os.WUNTRACED)
        os.tcsetpgrp(0, os.getpgrp())
        if not os.WIFSTOPPED(status):
            print(f"shell: the job ended with {os.waitstatus_to_exitcode(status)}", flush=True)
            return
        print("shell: the job has stopped", flush=True)
        _to_the_foreground(job)
        print("shell: the job is back", flush=True)


def _to_the_foreground(job: subprocess.Popen[bytes]) -> None:
    os.tcsetpgrp(0, job.pid)
    os.killpg(job.pid, signal.SIGCONT)


def _connect(task: str) -> None:
    """The task, in an account that has all it asks for; ends as the task does."""
    import pytest
    from invoke.context import Context
    from invoke.exceptions import Exit

    from operations import db_connection, port_forwarding, service
    from tests.operations.answers import Account, Client, opened

    @contextmanager
    def to(*_: object) -> Iterator[int]:
        try:
            yield 40404
        finally:
            print("the way is closed", flush=True)

    ecs = Client(list_tasks={"taskArns": ["arn:task"]}, execute_command={"session": {}})
    rds = Client(generate_db_auth_token="token")
    database = {"Address": "db.x", "Port": "5432", "Name": "cruddur", "Application": "application"}
    layers = {"cluster": {"Name": "c"}, "service": {"Name": "s"}, "database": database}
    with pytest.MonkeyPatch.context() as patch:
        opened(patch, Account(layers, {"ecs": ecs, "rds": rds}))
        patch.setattr(port_forwarding, "to", to)
        try:
            {"service": service.connect, "db": db_connection.connect}[task](Context())
        except Exit as ended:
            sys.exit(ended.code)


if __name__ == "__main__":
    what, *command = sys.argv[1:]
    _shell(*command) if what == "shell" else _connect(what)
