"""Commands in a sandbox: their files, environment and limits, how they end, and errors."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.errors import IsolationError
from deployer.isolation import sandbox
from deployer.isolation.sandbox import Sandbox

LEVELS = ["environment", *(["namespaces"] if sandbox.level() == "namespaces" else [])]
SLEEPING = "import os, time\nos.fork()\nprint('started', flush=True)\ntime.sleep(300)"


@pytest.fixture(params=LEVELS)
def isolated(request: pytest.FixtureRequest) -> Sandbox:
    """A sandbox of each level that this machine supports."""
    return Sandbox(request.param, hidden=sandbox.private_folders())


@pytest.fixture
def undetected_level(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Clear the cached level, so that it is detected again."""
    sandbox.level.cache_clear()
    yield monkeypatch
    sandbox.level.cache_clear()


def start(
    isolated: Sandbox, program: str, liveness: int, **variables: str
) -> subprocess.Popen[bytes]:
    """Start a Python program in the sandbox."""
    command = isolated.command([sandbox.python(), "-I", "-S", "-c", program], liveness=liveness)
    return subprocess.Popen(
        command,
        env=sandbox.environment(variables),
        pass_fds=[liveness],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def run(isolated: Sandbox, program: str, **variables: str) -> tuple[int, str, str]:
    """Run a Python program, and return exit code, output and error output."""
    with start(isolated, program, sandbox.liveness_pipe().reader, **variables) as process:
        out, err = process.communicate(timeout=60)
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
def test_exit_code(isolated: Sandbox, program: str, code: int) -> None:
    """The exit code is the command's, or 128 plus the number of the signal that ended it."""
    assert code == run(isolated, program)[0]


@pytest.mark.parametrize("cause", ["liveness", signal.SIGTERM])
def test_killed(isolated: Sandbox, cause: str | signal.Signals) -> None:
    """All processes of the command end when the calling process ends or sends a signal."""
    reader, writer = os.pipe()
    process = start(isolated, SLEEPING, reader)
    os.close(reader)
    assert process.stdout is not None
    assert b"started" in process.stdout.readline()

    if isinstance(cause, signal.Signals):
        process.send_signal(cause)
    else:
        os.close(writer)

    process.communicate(timeout=60)  # Its pipes end when the last process closes them.
    assert process.returncode != 0
    if isinstance(cause, signal.Signals):
        os.close(writer)


def test_limits(isolated: Sandbox) -> None:
    """Files and processes have Lambda's limits, if the kernel counts them per namespace."""
    program = """
import json, resource as r
print(json.dumps([r.getrlimit(n)[0] for n in (r.RLIMIT_NOFILE, r.RLIMIT_CORE, r.RLIMIT_NPROC)]))
"""
    files, core, processes = json.loads(run(isolated, program)[1])

    assert core == 0
    assert files <= 1024
    if isolated.level == "namespaces":
        assert processes == 1024


def test_environment(isolated: Sandbox) -> None:
    """The command has only the environment variables that were set for it."""
    program = "import os; print(sorted(os.environ.items()))"
    variables = {"LC_ALL": "C.UTF-8", "SANDBOX_X": "1", "TABLE_NAME": "messages"}

    assert run(isolated, program, **variables) == (0, f"{sorted(variables.items())}\n", "")


@pytest.mark.skipif(
    sys.platform != "linux" or sandbox.level() != "namespaces", reason="needs namespaces"
)
def test_dynamic_linker(tmp_path: Path) -> None:
    """A variable of the command, such as LD_DEBUG, does not affect the launcher."""
    isolated = Sandbox("namespaces", hidden=sandbox.private_folders())

    run(isolated, "print('x')", LD_DEBUG="libs", LD_DEBUG_OUTPUT=str(tmp_path / "seen"))

    assert [*tmp_path.iterdir()] == []


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
def test_keyring(isolated: Sandbox) -> None:
    """The command cannot find keys of the user's session keyring."""
    program = f"{KEYS}print(call(number[1], b'user', b'of-the-user', None, 0))"
    liveness = sandbox.liveness_pipe().reader
    command = isolated.command([sandbox.python(), "-I", "-S", "-c", program], liveness=liveness)
    with_key = [sandbox.python(), "-I", "-S", "-c", WITH_A_KEY]

    done = subprocess.run(
        [*with_key, *command], env={}, pass_fds=[liveness], capture_output=True, check=False
    )

    if b"no keyrings" in done.stderr:
        pytest.skip("this machine has no keyrings, or its container forbids them")
    assert (done.returncode, done.stdout.strip()) == (0, b"-1")


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
    """A command of root can write to the machine's devices, but cannot change their attributes."""
    assert run(Sandbox("namespaces"), DEVICE) == (0, "['OSError', 'OSError']\n", "")


def test_files(tmp_path: Path) -> None:
    """With namespaces a folder is visible read-only at its path inside the sandbox."""
    (tmp_path / "one").write_text("1")
    isolated = Sandbox(sandbox.level(), {"/var/task": tmp_path}, folder="/var/task")
    if isolated.level == "environment":
        isolated = Sandbox("environment", folder=str(tmp_path))
    program = """
from pathlib import Path
print(Path("one").read_text())
try:
    Path("two").write_text("2")
except OSError as error:
    print(type(error).__name__)
"""

    output = run(isolated, program)[1].split()

    assert output[0] == "1"
    assert (isolated.level == "environment") == (tmp_path / "two").exists()


def test_hidden(tmp_path: Path) -> None:
    """A folder inside a visible folder can be hidden."""
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


def test_missing_file(tmp_path: Path) -> None:
    """A command is not run if a file of its sandbox does not exist."""
    if sandbox.level() == "environment":
        assert run(Sandbox("environment"), "print('x')") == (0, "x\n", "")
        return
    isolated = Sandbox("namespaces", {"/var/task": tmp_path / "gone"})

    code, out, err = run(isolated, "print('x')")

    assert (code, out) == (126, "")
    assert err.startswith("isolation: ")


def test_required(undetected_level: pytest.MonkeyPatch) -> None:
    """If required isolation is not possible, the error has the reason and a hint."""
    undetected_level.setenv(sandbox.VARIABLE, "required")
    undetected_level.setattr(sandbox, "_problem", lambda: "unshare: Operation not permitted")

    with pytest.raises(IsolationError) as refused:
        sandbox.level()

    assert "unshare: Operation not permitted" in refused.value.message
    assert "user namespaces" in refused.value.hint


def test_fallback(undetected_level: pytest.MonkeyPatch) -> None:
    """By default, code runs without namespaces on a machine that does not allow them."""
    undetected_level.delenv(sandbox.VARIABLE, raising=False)
    undetected_level.setattr(sandbox, "_problem", lambda: "unshare: Operation not permitted")

    assert sandbox.level() == "environment"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has namespaces")
def test_forbidden_namespaces(tmp_path: Path) -> None:
    """If the kernel does not allow namespaces, the reason is reported."""
    if sandbox.level() == "environment":
        assert sandbox._problem()
        return
    program = """
import ctypes, sys
from pathlib import Path
libc = ctypes.CDLL(None)
assert 0 == libc.unshare(0x10000000)
Path("/proc/sys/user/max_user_namespaces").write_text("0")
from deployer.isolation import sandbox
print(sandbox.level(), sandbox._problem())
"""

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[3],
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.startswith("environment isolation: unshare: ")
