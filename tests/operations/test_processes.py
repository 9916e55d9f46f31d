"""Whose the keys of a terminal are, with stand-ins that take signals as the real programs do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from operations import port_forwarding, processes
from tests.operations.at_terminal import CTRL_C, CTRL_QUIT, CTRL_Z, terminal

# session-manager-plugin sends all three to the shell far away; psql takes the first only.
PROGRAM = """
import os, signal, sys
def say(words):
    os.write(1, f"{words}\\n".encode())
for name in HEARD:
    signal.signal(getattr(signal, name), lambda n, _: say(f"heard {signal.Signals(n).name}"))
say("ready")
say("read " + sys.stdin.readline())
sys.exit(7)
"""
PROGRAMS = {
    "service": (port_forwarding.PLUGIN, ("SIGINT", "SIGQUIT", "SIGTSTP")),
    "db": ("psql", ("SIGINT",)),
}
LONGER_THAN_SUBPROCESS_WAITS = 0.6  # Its own `run` gives a child 0.25 s after Ctrl-C.


@pytest.fixture(params=PROGRAMS)
def task(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A task that opens a program, which is on PATH."""
    name, heard = PROGRAMS[request.param]
    _program(tmp_path, name, heard)
    return str(request.param)


def _program(folder: Path, name: str, heard: tuple[str, ...]) -> None:
    file = folder / name
    file.write_text(f"#!{sys.executable} -I\nHEARD = {heard}{PROGRAM}")
    file.chmod(0o755)


def test_ctrl_c_is_the_programs(task: str, tmp_path: Path) -> None:
    """It stops what runs in there; the program stays, and its exit code is the task's."""
    with terminal(task, tmp_path) as screen:
        screen.wait_for("ready")
        for _ in range(2):
            screen.type(CTRL_C)
            screen.wait_for("heard SIGINT")
        time.sleep(LONGER_THAN_SUBPROCESS_WAITS)
        screen.type(b"still here\n")
        screen.wait_for("read still here")
        screen.wait_for("the job ended with 7")


def test_the_shell_far_away_has_every_key(tmp_path: Path) -> None:
    """Ctrl-Z stops what runs there; to stop here would leave the plugin at our terminal."""
    _program(tmp_path, *PROGRAMS["service"])

    with terminal("service", tmp_path) as screen:
        screen.wait_for("ready")
        for key, name in ((CTRL_QUIT, "SIGQUIT"), (CTRL_Z, "SIGTSTP"), (CTRL_C, "SIGINT")):
            screen.type(key)
            screen.wait_for(f"heard {name}")
        screen.type(b"exit\n")
        screen.wait_for("read exit")
        assert "stopped" not in screen.shown
        screen.wait_for("the job ended with 7")


def test_what_ctrl_z_stops_comes_back(tmp_path: Path) -> None:
    """With psql the task stops as well, and the shell has its prompt; `fg` continues both."""
    _program(tmp_path, *PROGRAMS["db"])

    with terminal("db", tmp_path) as screen:
        screen.wait_for("ready")
        for _ in range(2):
            screen.type(CTRL_Z)
            screen.wait_for("shell: the job has stopped")
            screen.wait_for("shell: the job is back")
        screen.type(b"again\n")
        screen.wait_for("read again")
        screen.wait_for("the job ended with 7")


def test_what_a_key_ends_is_told(tmp_path: Path) -> None:
    """It ends psql, and the task only after that: the way to the database is closed."""
    _program(tmp_path, *PROGRAMS["db"])

    with terminal("db", tmp_path) as screen:
        screen.wait_for("ready")
        screen.type(CTRL_QUIT)
        screen.wait_for("the way is closed")
        screen.wait_for(f"the job ended with {128 + signal.SIGQUIT}")


def test_what_our_caller_ignores_is_ignored(capfd) -> None:
    """By the program as well, and nothing besides; afterwards all is as it was."""
    told = (
        "import signal; print(signal.getsignal(signal.SIGQUIT), signal.getsignal(signal.SIGTSTP))"
    )
    ours = signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    before = [signal.getsignal(key) for key in processes.KEYS]
    try:
        processes.at_terminal([sys.executable, "-c", told], {})
        after = [signal.getsignal(key) for key in processes.KEYS]
    finally:
        signal.signal(signal.SIGQUIT, ours)

    assert f"{signal.SIG_IGN} {signal.SIG_DFL}\n" == capfd.readouterr().out
    assert before == after


def test_an_interrupted_task_leaves_no_program(monkeypatch) -> None:
    """It is asked to end, so that it can leave the terminal as it was."""
    started: list[subprocess.Popen[bytes]] = []

    def interrupted(process: subprocess.Popen[bytes]) -> int:
        started.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr(processes, "_ended", interrupted)

    with pytest.raises(KeyboardInterrupt):
        processes.at_terminal([sys.executable, "-c", "import time; time.sleep(60)"], {})

    assert -signal.SIGTERM == started[0].returncode


def test_what_does_not_end_is_killed(monkeypatch) -> None:
    """Nobody waits for ever."""
    monkeypatch.setattr(processes, "PATIENCE_SECONDS", 0.1)
    deaf = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('deaf', flush=True)"
    command = [sys.executable, "-c", f"{deaf}\ntime.sleep(60)"]

    with tempfile.TemporaryFile("w+") as said, processes.behind(command, {}, said) as process:
        while not os.pread(said.fileno(), 10, 0):
            time.sleep(0.01)

    assert -signal.SIGKILL == process.returncode
