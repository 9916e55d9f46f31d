"""Keys such as Ctrl-C signal the right program; fake programs print the signals that they receive."""

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
from tests.commands.pseudo_terminal import CTRL_C, CTRL_QUIT, CTRL_Z, terminal
from tests.programs import SHEBANG

# session-manager-plugin handles SIGINT, SIGQUIT and SIGTSTP for the remote shell; psql only SIGINT.
PROGRAM = """
import os, signal, sys
def say(text):
    os.write(1, f"{text}\\n".encode())
for name in HANDLED:
    signal.signal(getattr(signal, name), lambda n, _: say(f"received {signal.Signals(n).name}"))
say("ready")
say("read " + sys.stdin.readline())
sys.exit(7)
"""
PROGRAMS = {
    "service": (port_forwarding.PLUGIN, ("SIGINT", "SIGQUIT", "SIGTSTP")),
    "db": ("psql", ("SIGINT",)),
}
LONGER_THAN_SUBPROCESS_WAITS = 0.6  # subprocess.run gives a child 0.25 s after Ctrl-C.


@pytest.fixture(params=PROGRAMS)
def task(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A task that runs a program, and a fake of the program on PATH."""
    name, handled = PROGRAMS[request.param]
    _write_program(tmp_path, name, handled)
    return str(request.param)


def _write_program(folder: Path, name: str, handled: tuple[str, ...]) -> None:
    file = folder / name
    file.write_text(f"{SHEBANG}\nHANDLED = {handled}{PROGRAM}")
    file.chmod(0o755)


def test_ctrl_c_reaches_the_program(task: str, tmp_path: Path) -> None:
    """The program handles Ctrl-C and continues; the task ends with the exit code of the program."""
    with terminal(task, tmp_path) as screen:
        screen.wait_for("ready")
        for _ in range(2):
            screen.type(CTRL_C)
            screen.wait_for("received SIGINT")
        time.sleep(LONGER_THAN_SUBPROCESS_WAITS)
        screen.type(b"still here\n")
        screen.wait_for("read still here")
        screen.wait_for("the job ended with 7")


def test_a_remote_shell_receives_every_key(tmp_path: Path) -> None:
    """Ctrl-Z goes to the remote shell, and does not stop the task."""
    _write_program(tmp_path, *PROGRAMS["service"])

    with terminal("service", tmp_path) as screen:
        screen.wait_for("ready")
        for key, name in ((CTRL_QUIT, "SIGQUIT"), (CTRL_Z, "SIGTSTP"), (CTRL_C, "SIGINT")):
            screen.type(key)
            screen.wait_for(f"received {name}")
        screen.type(b"exit\n")
        screen.wait_for("read exit")
        assert "stopped" not in screen.output
        screen.wait_for("the job ended with 7")


def test_ctrl_z_stops_psql_and_the_task(tmp_path: Path) -> None:
    """Ctrl-Z stops psql and the task, and `fg` continues them."""
    _write_program(tmp_path, *PROGRAMS["db"])

    with terminal("db", tmp_path) as screen:
        screen.wait_for("ready")
        for _ in range(2):
            screen.type(CTRL_Z)
            screen.wait_for("shell: the job has stopped")
            screen.wait_for("shell: the job is back")
        screen.type(b"again\n")
        screen.wait_for("read again")
        screen.wait_for("the job ended with 7")


def test_the_exit_code_of_a_signal(tmp_path: Path) -> None:
    """SIGQUIT ends psql; the task then closes the connection and reports the signal."""
    _write_program(tmp_path, *PROGRAMS["db"])

    with terminal("db", tmp_path) as screen:
        screen.wait_for("ready")
        screen.type(CTRL_QUIT)
        screen.wait_for("the connection is closed")
        screen.wait_for(f"the job ended with {128 + signal.SIGQUIT}")


def test_ignored_signals_stay_ignored(capfd) -> None:
    """Signals that the parent ignores are ignored by the program; handlers are restored."""
    code = (
        "import signal; print(signal.getsignal(signal.SIGQUIT), signal.getsignal(signal.SIGTSTP))"
    )
    previous = signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    before = [signal.getsignal(key) for key in processes.KEYBOARD_SIGNALS]
    try:
        processes.run_interactive([sys.executable, "-c", code], {})
        after = [signal.getsignal(key) for key in processes.KEYBOARD_SIGNALS]
    finally:
        signal.signal(signal.SIGQUIT, previous)

    assert capfd.readouterr().out == f"{signal.SIG_IGN} {signal.SIG_DFL}\n"
    assert before == after


def test_an_interrupted_task_ends_its_program(monkeypatch) -> None:
    """The program receives SIGTERM, so that it can restore the terminal."""
    started: list[subprocess.Popen[bytes]] = []

    def interrupted(process: subprocess.Popen[bytes]) -> int:
        started.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr(processes, "_wait", interrupted)

    with pytest.raises(KeyboardInterrupt):
        processes.run_interactive([sys.executable, "-c", "import time; time.sleep(60)"], {})

    assert started[0].returncode == -signal.SIGTERM


def test_a_program_that_does_not_end_is_killed(monkeypatch) -> None:
    """After the timeout the program receives SIGKILL."""
    monkeypatch.setattr(processes, "TERMINATION_TIMEOUT_SECONDS", 0.1)
    ignoring = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('ready', flush=True)"
    command = [sys.executable, "-c", f"{ignoring}\ntime.sleep(60)"]

    with (
        tempfile.TemporaryFile("w+") as output,
        processes.run_in_background(command, {}, output) as process,
    ):
        while not os.pread(output.fileno(), 10, 0):
            time.sleep(0.01)

    assert process.returncode == -signal.SIGKILL
