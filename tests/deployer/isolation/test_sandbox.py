"""Commands in a sandbox: what they see, how they end, and what is said when it is not possible."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.errors import IsolationError
from deployer.isolation import sandbox
from deployer.isolation.sandbox import Sandbox

LEVELS = ["environment", *(["namespaces"] if sandbox.level() == "namespaces" else [])]
SLEEPING = "import os, time\nos.fork()\nprint('started', flush=True)\ntime.sleep(60)"


@pytest.fixture(params=LEVELS)
def box(request: pytest.FixtureRequest) -> Sandbox:
    """A sandbox of each level that this machine has."""
    return Sandbox(request.param, hidden=sandbox.private_folders())


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Clear the cached level, so that the machine is probed again."""
    sandbox.level.cache_clear()
    yield monkeypatch
    sandbox.level.cache_clear()


def start(box: Sandbox, program: str, liveness: int, **variables: str) -> subprocess.Popen[bytes]:
    """Start a Python program in the sandbox."""
    command = box.command([sandbox.python(), "-I", "-S", "-c", program], liveness=liveness)
    return subprocess.Popen(
        command,
        env=sandbox.environment(variables),
        pass_fds=[liveness],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def run(box: Sandbox, program: str, **variables: str) -> tuple[int, str, str]:
    """Run it to its end: exit code, and what it said."""
    with start(box, program, sandbox.liveness_pipe().reader, **variables) as process:
        out, err = process.communicate(timeout=20)
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("print('x')", 0),
        ("raise SystemExit(7)", 7),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", 128 + signal.SIGTERM),
        ("import signal; signal.alarm(1); signal.pause()", 128 + signal.SIGALRM),
    ],
)
def test_end(box: Sandbox, program: str, code: int) -> None:
    """The exit code is the command's, and signals do to it what they do anywhere."""
    assert code == run(box, program)[0]


@pytest.mark.parametrize("how", ["liveness", signal.SIGTERM])
def test_killed(box: Sandbox, how: str | signal.Signals) -> None:
    """When the starting process ends, or ends the command, all of its processes end."""
    reader, writer = os.pipe()
    process = start(box, SLEEPING, reader)
    os.close(reader)
    assert process.stdout is not None
    assert b"started" in process.stdout.readline()

    if isinstance(how, signal.Signals):
        process.send_signal(how)
    else:
        os.close(writer)

    started = time.monotonic()
    process.communicate(timeout=20)  # Its pipes end when the last process closes them.
    assert time.monotonic() - started < 10
    assert 0 != process.returncode
    if isinstance(how, signal.Signals):
        os.close(writer)


def test_limits(box: Sandbox) -> None:
    """As many files and processes as Lambda allows, where the kernel counts them apart."""
    program = """
import json, resource as r
print(json.dumps([r.getrlimit(n)[0] for n in (r.RLIMIT_NOFILE, r.RLIMIT_CORE, r.RLIMIT_NPROC)]))
"""
    files, core, processes = json.loads(run(box, program)[1])

    assert 0 == core
    assert files <= 1024
    if box.level == "namespaces":
        assert 1024 == processes


def test_environment(box: Sandbox) -> None:
    """The command has the variables that it was given, and no others."""
    program = "import os; print(sorted(os.environ.items()))"
    given = {"LC_ALL": "C.UTF-8", "SANDBOX_X": "1", "TABLE_NAME": "messages"}

    assert (0, f"{sorted(given.items())}\n", "") == run(box, program, **given)


@pytest.mark.skipif(
    sys.platform != "linux" or sandbox.level() != "namespaces", reason="needs namespaces"
)
def test_dynamic_linker(tmp_path: Path) -> None:
    """No variable of the command's changes how the launcher is loaded, outside the sandbox."""
    box = Sandbox("namespaces", hidden=sandbox.private_folders())

    run(box, "print('x')", LD_DEBUG="libs", LD_DEBUG_OUTPUT=str(tmp_path / "seen"))

    assert [] == [*tmp_path.iterdir()]


KEYS = """
import ctypes, os
call = ctypes.CDLL(None).syscall
number = {"x86_64": (248, 249, 250), "aarch64": (217, 218, 219)}[os.uname().machine]
session, join = -3, 1
"""
WITH_A_KEY = f"""{KEYS}
import sys
call(number[2], join, None)
if call(number[0], b"user", b"of-the-user", b"secret", 6, session) < 0:
    sys.exit("no keyrings")
sys.exit(os.spawnv(os.P_WAIT, sys.argv[1], sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has keyrings")
def test_keyring(box: Sandbox) -> None:
    """What the user's session keeps in the kernel cannot be found."""
    program = f"{KEYS}print(call(number[1], b'user', b'of-the-user', None, 0))"
    liveness = sandbox.liveness_pipe().reader
    command = box.command([sandbox.python(), "-I", "-S", "-c", program], liveness=liveness)
    with_key = [sandbox.python(), "-I", "-S", "-c", WITH_A_KEY]

    done = subprocess.run(
        [*with_key, *command], env={}, pass_fds=[liveness], capture_output=True, check=False
    )

    if b"no keyrings" in done.stderr:
        pytest.skip("this machine has no keyrings, or its container forbids them")
    assert (0, b"-1") == (done.returncode, done.stdout.strip())


DEVICE = """
import os
results = []
for action in (lambda: os.chmod("/dev/null", 0o666), lambda: os.utime("/dev/null")):
    try:
        action()
        results.append("done")
    except OSError as error:
        results.append(type(error).__name__)
with open("/dev/null", "w") as file:
    file.write("x")
print(results)
"""


@pytest.mark.skipif(
    sandbox.level() != "namespaces" or os.geteuid() != 0, reason="needs namespaces and root"
)
def test_devices() -> None:
    """Root's command cannot change the machine's devices, and can write to them."""
    assert (0, "['OSError', 'OSError']\n", "") == run(Sandbox("namespaces"), DEVICE)


def test_files(tmp_path: Path) -> None:
    """A file is seen where it is said, read-only; in an environment alone it stays where it is."""
    (tmp_path / "one").write_text("1")
    box = Sandbox(sandbox.level(), {"/var/task": tmp_path}, folder="/var/task")
    if box.level == "environment":
        box = Sandbox("environment", folder=str(tmp_path))
    program = """
from pathlib import Path
print(Path("one").read_text())
try:
    Path("two").write_text("2")
except OSError as error:
    print(type(error).__name__)
"""

    said = run(box, program)[1].split()

    assert "1" == said[0]
    assert (box.level == "environment") == (tmp_path / "two").exists()


def test_hidden(tmp_path: Path) -> None:
    """A folder that lies in one which is shown can be hidden all the same."""
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "secret").write_text("x")
    files = {"/var/shown": tmp_path}
    if sandbox.level() == "environment":
        assert "--hide" not in Sandbox("environment", files).command(["x"], liveness=3)
        return
    program = "import os; print(os.listdir('/var/shown'), os.listdir('/var/shown/inner'))"

    hiding = Sandbox("namespaces", files, hidden=(Path("/var/shown/inner"),))

    assert "['inner'] []" in run(hiding, program)[1]
    assert "['inner'] ['secret']" in run(Sandbox("namespaces", files), program)[1]


def test_what_cannot_be_shown(tmp_path: Path) -> None:
    """A command that cannot be isolated as it is said does not run at all."""
    if sandbox.level() == "environment":
        assert (0, "x\n", "") == run(Sandbox("environment"), "print('x')")
        return
    box = Sandbox("namespaces", {"/var/task": tmp_path / "gone"})

    code, out, err = run(box, "print('x')")

    assert (126, "") == (code, out)
    assert err.startswith("isolation: ")


def test_required(fresh: pytest.MonkeyPatch) -> None:
    """Required isolation that is impossible is an error with the reason and a hint."""
    fresh.setenv(sandbox.VARIABLE, "required")
    fresh.setattr(sandbox, "_problem", lambda: "unshare: Operation not permitted")

    with pytest.raises(IsolationError) as refused:
        sandbox.level()

    assert "unshare: Operation not permitted" in refused.value.message
    assert "user namespaces" in refused.value.hint


def test_fallback(fresh: pytest.MonkeyPatch) -> None:
    """By default, code runs without namespaces where they are forbidden."""
    fresh.delenv(sandbox.VARIABLE, raising=False)
    fresh.setattr(sandbox, "_problem", lambda: "unshare: Operation not permitted")

    assert "environment" == sandbox.level()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has namespaces to be without")
def test_forbidden_namespaces(tmp_path: Path) -> None:
    """Where the kernel forbids namespaces, the error has the reason."""
    if sandbox.level() == "environment":
        assert sandbox._problem()
        return
    inside = """
import ctypes, sys
from pathlib import Path
libc = ctypes.CDLL(None)
assert 0 == libc.unshare(0x10000000)
Path("/proc/sys/user/max_user_namespaces").write_text("0")
from deployer.isolation import sandbox
print(sandbox.level(), sandbox._problem())
"""

    ran = subprocess.run(
        [sys.executable, "-c", inside],
        cwd=Path(__file__).parents[3],
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout.startswith("environment isolation: unshare: ")
