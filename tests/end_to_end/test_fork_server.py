"""Tests that a command behaves the same in the fork server and in its own process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.end_to_end.fork_server import fork_server

ENV = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONWARNINGS": "error", "MINE": "é"}
REPORT = """\
import atexit, json, os, signal, sys, warnings

print(json.dumps([
    sys.argv[1:], sys.path[0], os.getcwd(), dict(os.environ), sys.stdin.read(),
    [os.isatty(number) for number in range(3)], sorted(os.listdir("/proc/self/fd")),
    sys.stdout.encoding, __name__, __spec__.name, sys.warnoptions,
    [str(signal.getsignal(number)) for number in signal.valid_signals() if number < 32],
]))
atexit.register(print, "at exit")
"""


def both(tmp_path, code, *arguments):
    """Run a module with *code* in the server and in a new process; return code, output and errors."""
    (tmp_path / "module.py").write_text(REPORT + code)
    forked = fork_server().run("module", *arguments, cwd=tmp_path, env=ENV)
    started = subprocess.run(
        [sys.executable, "-m", "module", *arguments],
        cwd=tmp_path,
        env=ENV,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return (forked.code, forked.out, forked.err), (
        started.returncode,
        started.stdout,
        started.stderr,
    )


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("sys.exit('no')", 1),
        ("os.kill(os.getpid(), signal.SIGKILL)", -9),
        ("import threading; threading.Thread(target=print, args=['thread']).start()", 0),
    ],
    ids=["end", "exit", "message", "killed", "thread"],
)
def test_same(tmp_path, code, expected):
    """Arguments, folder, environment, streams, open files, signals and exit code are the same."""
    forked, started = both(tmp_path, code, "a", "--b=c d")

    assert expected == forked[0]
    assert started == forked


def test_warning_is_an_error(tmp_path):
    """PYTHONWARNINGS applies in the fork."""
    (code, _, err), _ = both(tmp_path, "warnings.warn('old', DeprecationWarning)")

    assert code == 1
    assert "DeprecationWarning: old" in err


def test_too_slow(tmp_path):
    """A command that does not end in time is killed."""
    (tmp_path / "module.py").write_text("import os, time; print(os.getpid()); time.sleep(60)")

    with pytest.raises(TimeoutError, match="did not end in time"):
        fork_server().run("module", cwd=tmp_path, env=ENV, seconds=0.5)


def test_a_killed_command(tmp_path):
    """A command that runs in the background has its own process group, and can be killed."""
    (tmp_path / "module.py").write_text(
        "import sys, time\nprint('ready', file=sys.stderr, flush=True)\ntime.sleep(600)\n"
    )
    started = fork_server().start("module", cwd=tmp_path, env=ENV)

    line = started.stderr.readline()
    os.killpg(started.pid, signal.SIGKILL)
    _, rest = started.communicate(timeout=60)
    started.kill()

    assert (line, rest, started.returncode) == ("ready\n", "", -signal.SIGKILL)


def test_commands_are_isolated(tmp_path):
    """A command has no effect on the next command."""
    (tmp_path / "module.py").write_text(
        "import json, os, sys\n"
        "print(json.dumps(['MINE' in os.environ, 'local' in sys.modules, os.getcwd()]))\n"
        "import local\nos.environ['MINE'] = '1'; os.chdir('/')\n"
    )
    (tmp_path / "local.py").write_text("")
    env = {name: value for name, value in ENV.items() if name != "MINE"}

    outputs = [fork_server().run("module", cwd=tmp_path, env=env).out for _ in range(2)]

    assert [[False, False, str(tmp_path)]] * 2 == [json.loads(output) for output in outputs]


@pytest.mark.parametrize(
    ("more", "expected"), [({}, True), ({"HOME": "/x"}, True), ({"PYTHONUTF8": "0"}, False)]
)
def test_supports(more, expected):
    """The server supports environments with its own options of the interpreter."""
    env = {name: value for name, value in ENV.items() if name != "MINE"}

    assert expected == fork_server().supports(env | more)
