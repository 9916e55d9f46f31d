"""Run interactive tasks at a pseudo-terminal, as jobs of a shell.

python -m tests.commands.pseudo_terminal shell COMMAND  runs the command as a foreground job
python -m tests.commands.pseudo_terminal service        runs `service.connect` in a fake account
python -m tests.commands.pseudo_terminal db             runs `db.connect` in a fake account
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
    """The user's side of a terminal; *output* is what was printed and not waited for yet."""

    master: int
    shell: subprocess.Popen[bytes]
    output: str = ""

    def type(self, keys: bytes) -> None:
        """Type *keys*."""
        os.write(self.master, keys)

    def wait_for(self, text: str, seconds: float = 60) -> None:
        """Wait until *text* is printed, and drop it with the output before it."""
        deadline = time.monotonic() + seconds
        while text not in self.output:
            try:
                self.output += os.read(self.master, 4096).decode()
            except BlockingIOError:
                time.sleep(0.01)
            except OSError:  # All processes at the terminal have ended.
                deadline = 0
            assert time.monotonic() < deadline, f"never printed {text!r}:\n{self.output}"
        self.output = self.output.partition(text)[2]


@contextmanager
def terminal(job: str, path: Path) -> Iterator[Terminal]:
    """Run a task as the job of a shell; the folder *path* is the whole PATH."""
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
            os.close(master)  # Sends SIGHUP to the remaining processes.
            shell.kill()


def _shell(*command: str) -> None:
    """Run *command* as a foreground job; whenever it stops, print that and continue it like `fg`.

    A key that is typed before "the job is back" goes to the shell, which ignores it.
    """
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    job = subprocess.Popen(command, process_group=0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # tcsetpgrp would stop the shell otherwise.
    _continue_in_foreground(job)
    while True:
        _, status = os.waitpid(job.pid, os.WUNTRACED)
        os.tcsetpgrp(0, os.getpgrp())
        if not os.WIFSTOPPED(status):
            print(f"shell: the job ended with {os.waitstatus_to_exitcode(status)}", flush=True)
            return
        print("shell: the job has stopped", flush=True)
        _continue_in_foreground(job)
        print("shell: the job is back", flush=True)


def _continue_in_foreground(job: subprocess.Popen[bytes]) -> None:
    os.tcsetpgrp(0, job.pid)
    os.killpg(job.pid, signal.SIGCONT)


def _connect(task: str) -> None:
    """Run the task in a fake account, and exit with its code."""
    import pytest
    from invoke.context import Context
    from invoke.exceptions import Exit

    from commands import db, service
    from operations import port_forwarding
    from tests.operations.fake_account import Account, Client, use_account

    @contextmanager
    def forwarded_port(*_: object) -> Iterator[int]:
        try:
            yield 40404
        finally:
            print("the connection is closed", flush=True)

    ecs = Client(list_tasks={"taskArns": ["arn:task"]}, execute_command={"session": {}})
    rds = Client(generate_db_auth_token="token")
    database = {"Address": "db.x", "Port": "5432", "Name": "cruddur", "Application": "application"}
    outputs = {"cluster": {"Name": "c"}, "service": {"Name": "s"}, "database": database}
    with pytest.MonkeyPatch.context() as patch:
        use_account(patch, Account(outputs, {"ecs": ecs, "rds": rds}))
        patch.setattr(port_forwarding, "forwarded_port", forwarded_port)
        try:
            {"service": service.connect, "db": db.connect}[task](Context())
        except Exit as ended:
            sys.exit(ended.code)


if __name__ == "__main__":
    mode, *command = sys.argv[1:]
    _shell(*command) if mode == "shell" else _connect(mode)
