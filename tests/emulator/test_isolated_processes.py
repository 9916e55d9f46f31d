"""Lambda functions that attack the machine.

Each attack runs with namespaces, if this machine allows them, and without namespaces. Without them
the user's files are not protected, as docs/emulator.md says.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import emulator
from deployer.errors import EmulatorError, IsolationError
from deployer.isolation import sandbox
from emulator import process, server
from emulator.patches.lambda_ import workers
from emulator.paths import EmulatorPaths
from tests.emulator.functions import ROLE, code, function, processes_of
from tests.emulator.templates import template
from tests.emulator_server import Aws

CHECKOUT = Path(__file__).parents[2]
LEVEL = sandbox.level()  # The highest level of this machine.
KEY = "the user's own key"
TMP = "/tmp"  # noqa: S108  As a function sees it.

SPY = """
import glob, os, signal, socket, sys
from pathlib import Path

def attempt(action):
    try:
        return action()
    except Exception as error:
        return type(error).__name__

def handler(event, context):
    return {name: attempt(action) for name, action in actions(event).items()}

def environments():
    found = {}
    for file in glob.glob("/proc/[0-9]*/environ"):
        try:
            found[file] = Path(file).read_text(errors="replace")
        except OSError as error:
            found[file] = type(error).__name__
    return found

def actions(event):
    return {
        "environment": lambda: dict(os.environ),
        "read": lambda: {path: attempt(Path(path).read_text) for path in event["read"]},
        "list": lambda: {path: attempt(lambda: sorted(os.listdir(path))) for path in event["list"]},
        "home": lambda: os.path.expanduser("~"),
        "environments": environments,
        "processes": lambda: sorted(int(pid) for pid in os.listdir("/proc") if pid.isdigit()),
        "kill": lambda: [attempt(lambda: os.kill(pid, 0)) for pid in event["kill"]],
        "descriptors": lambda: sorted(int(fd) for fd in os.listdir("/proc/self/fd")),
        "write": lambda: {path: attempt(lambda: Path(path, "x").write_text("x"))
                          for path in event["write"]},
        "mounts": lambda: Path("/proc/self/mountinfo").read_text(),
        "user": lambda: [os.getuid(), attempt(lambda: os.setuid(0))],
    }
"""


@pytest.fixture(scope="module", params=["namespaces", "environment"])
def isolated(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, EmulatorPaths, Aws]]:
    """An emulator for this module at each level of isolation that the machine supports."""
    level = request.param if LEVEL == "namespaces" else "environment"
    paths = EmulatorPaths(tmp_path_factory.mktemp(level) / ".emulator")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(sandbox.VARIABLE, "auto" if level == "namespaces" else "off")
        patch.setenv("GITHUB_TOKEN", KEY)
        patch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
        patch.setenv("SSH_AUTH_SOCK", KEY)
        aws = Aws(emulator.as_account(emulator.start(paths.folder), "123456789012"))
        yield level, paths, aws
        emulator.stop(paths.folder)


def deploy(aws: Aws, name: str, source: str, **properties: Any) -> None:
    """Deploy a function with this source."""
    defaults = {"FunctionName": name, "Timeout": 20}
    deployed = function(code(aws, source, f"{name}.zip"), **defaults | properties)
    stack = aws.deploy(
        f"s-{name}", template(Role=ROLE, F=deployed), Capabilities=["CAPABILITY_IAM"]
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE"


def invoke(aws: Aws, name: str, event: Any = None) -> Any:
    """Return the response of a function."""
    response = aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return json.loads(response["Payload"].read())


@pytest.fixture(scope="module")
def spied(isolated: tuple[str, EmulatorPaths, Aws]) -> dict[str, Any]:
    """The results of a function that reads files, processes and variables of the machine."""
    _, paths, aws = isolated
    pid = emulator.status(paths.folder).pid
    deploy(
        aws,
        "victim",
        "from pathlib import Path\nPath('/tmp/victim').write_text('mine')\n"
        "def handler(event, context):\n    return Path('/tmp/victim').read_text()\n",
    )
    assert invoke(aws, "victim") == "mine"
    deploy(aws, "spy", SPY, Environment={"Variables": {"TABLE_NAME": "messages"}})
    return invoke(
        aws,
        "spy",
        {
            "read": [
                str(paths.secret),
                str(paths.state),
                str(CHECKOUT / "README.md"),
                f"/proc/{pid}/environ",
                "/etc/shadow",
            ],
            "list": [str(Path.home()), str(CHECKOUT), str(paths.folder), TMP, "/home", "/"],
            "kill": [pid, os.getpid(), *processes_of("victim")],
            "write": ["/", "/usr", "/var/task", "/var/runtime", "/proc/sys/kernel", TMP],
        },
    )


def test_environment(isolated: tuple[str, EmulatorPaths, Aws], spied: dict[str, Any]) -> None:
    """A function has Lambda's variables and those of its stack, and none of the user's."""
    found = spied["environment"]

    assert not {KEY, isolated[1].secret.read_text().strip()} & {*found.values()}
    assert found["TABLE_NAME"] == "messages"
    assert {"AWS_ENDPOINT_URL", "AWS_LAMBDA_FUNCTION_NAME", "HOME", "LAMBDA_TASK_ROOT"} <= {*found}
    assert not {"AUTH", "GATEWAY_PORT", "GITHUB_TOKEN", "PYTHONPATH", "SSH_AUTH_SOCK"} & {*found}


def test_home(isolated: tuple[str, EmulatorPaths, Aws], spied: dict[str, Any]) -> None:
    """HOME is not the user's home folder."""
    assert spied["home"] != str(Path.home())
    assert spied["environment"]["HOME"] == spied["environment"]["TMPDIR"]


def test_files(isolated: tuple[str, EmulatorPaths, Aws], spied: dict[str, Any]) -> None:
    """Namespaces hide the user's home, the checkout, the emulator's folder and its secret."""
    level, paths, _ = isolated
    secret = spied["read"][str(paths.secret)]
    names = spied["list"]

    if level == "environment":  # As documented: the files of the user are not protected.
        assert paths.secret.read_text() == secret
        return
    assert {*spied["read"].values()} == {"FileNotFoundError"}
    # Python may be installed in the home folder; then only its folder is visible there.
    python = Path(sandbox.python())
    visible = {
        str(parent): child.name
        for parent, child in zip(python.parents[1:], python.parents, strict=False)
    }
    for folder in (str(Path.home()), str(CHECKOUT), str(paths.folder)):
        assert names[folder] in ("FileNotFoundError", [], [visible.get(folder)]), folder


def test_named_paths(isolated: tuple[str, EmulatorPaths, Aws]) -> None:
    """A function cannot make a folder visible by naming it as a layer in its configuration."""
    level, _, aws = isolated
    program = "import os\ndef handler(event, context):\n    return os.listdir(event)\n"
    named = {"_LAMBDA_LAYERS_DIRS": str(CHECKOUT)}
    deploy(aws, "named", program, Environment={"Variables": named})

    if level == "environment":  # As documented: the files of the user are not protected.
        assert "README.md" in invoke(aws, "named", str(CHECKOUT))
        return
    assert "No such file or directory: '/opt'" in invoke(aws, "named", "/opt")["errorMessage"]


def test_other_functions(isolated: tuple[str, EmulatorPaths, Aws], spied: dict[str, Any]) -> None:
    """Namespaces hide the zips of other functions, and their /tmp."""
    level, _, _ = isolated
    found = spied["list"][TMP]

    if level == "environment":  # As documented: /tmp is shared with the machine.
        assert "victim" in found
        Path(TMP, "victim").unlink()
        return
    assert found == []


def test_other_processes(isolated: tuple[str, EmulatorPaths, Aws], spied: dict[str, Any]) -> None:
    """Namespaces hide other processes, which cannot be signalled either."""
    level, _, _ = isolated

    if level == "environment":  # As documented: processes of the same user can be signalled.
        assert None in spied["kill"]
        return
    assert {*spied["kill"]} == {"ProcessLookupError"}
    assert len(spied["processes"]) <= 2
    assert not [text for text in spied["environments"].values() if KEY in text]


def test_descriptors(isolated: tuple[str, EmulatorPaths, Aws], spied: dict[str, Any]) -> None:
    """A function has no open file of the emulator; descriptor 3 is the folder that it lists."""
    if isinstance(spied["descriptors"], list):
        assert spied["descriptors"] == [0, 1, 2, 3]
    else:
        assert spied["descriptors"] == "FileNotFoundError"  # The machine has no /proc.


def test_writes(isolated: tuple[str, EmulatorPaths, Aws], spied: dict[str, Any]) -> None:
    """With namespaces only /tmp is writable, also if root runs the emulator."""
    level, _, _ = isolated
    written = {path for path, result in spied["write"].items() if isinstance(result, int)}

    if level == "environment":
        assert TMP in written
        for path in written:
            Path(path, "x").unlink(missing_ok=True)
        return
    assert written == {TMP}


def test_user(isolated: tuple[str, EmulatorPaths, Aws], spied: dict[str, Any]) -> None:
    """With namespaces a function runs as an ordinary user, and cannot become root."""
    level, _, _ = isolated

    if level == "environment":
        assert os.getuid() == spied["user"][0]
        return
    assert spied["user"] == [1000, "OSError"]  # EINVAL: root has no id in the namespace.


HIDING = """
import os
from pathlib import Path
from deployer.isolation import namespaces
if os.getuid() == 0:
    os.setgid(12345)
    os.setuid(12345)
namespaces.hide_memory()
print(os.getuid(), os.stat("/proc/self/environ").st_uid)
"""


def test_memory_of_the_emulator(isolated: tuple[str, EmulatorPaths, Aws]) -> None:
    """The kernel denies other processes of the same user the emulator's memory and environment.

    It makes root the owner of these files, so root can read them.
    """
    if not Path("/proc/self/environ").exists():
        assert sys.platform != "linux"  # As documented: on macOS only root can read them.
        return

    ran = subprocess.run(
        [sys.executable, "-c", HIDING], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )

    user, owner = map(int, ran.stdout.split())
    assert user != 0
    assert owner == 0
    assert "hide_memory()" in Path(server.__file__).read_text()


ENDLESS = {
    "result": "    return 'x' * (7 * 1024 * 1024)\n",
    "line": "    import os\n    while True:\n        os.write(1, b'x' * 65536)\n",
    "log": "    import sys\n    for _ in range(200):\n        sys.stderr.write('y' * 99_999 + '\\n')\n"
    "    return 'done'\n",
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_endless_output(isolated: tuple[str, EmulatorPaths, Aws], kind: str) -> None:
    """A result has Lambda's limit and a log a limit of its own, so that they do not fill memory."""
    _, _, aws = isolated
    name = f"endless-{kind}"
    deploy(aws, name, f"def handler(event, context):\n{ENDLESS[kind]}")

    result = invoke(aws, name)

    if kind == "log":
        logs = aws.client("logs")
        group = f"/aws/lambda/{name}"
        [stream] = logs.describe_log_streams(logGroupName=group)["logStreams"]
        found = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])
        written = sum(len(event["message"]) for event in found["events"])
        assert result == "done"
        assert written < workers.LOG_BYTES + 10_000
    else:
        assert "exceeded maximum allowed payload size (6291556 bytes)" in result["errorMessage"]


def test_fork_bomb(isolated: tuple[str, EmulatorPaths, Aws]) -> None:
    """At its timeout a function ends with all processes that it has started."""
    _, _, aws = isolated
    source = (
        "import os, time\ndef handler(event, context):\n"
        "    for _ in range(50):\n        if os.fork() == 0:\n            time.sleep(60)\n"
        "    time.sleep(60)\n"
    )
    deploy(aws, "bomb", source, Timeout=2)

    result = invoke(aws, "bomb")

    assert "timed out" in result["errorMessage"]
    assert set() == eventually_none("bomb")


def test_end_with_the_emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function in an endless loop ends when the emulator is killed."""
    paths = EmulatorPaths(tmp_path / ".emulator")
    aws = Aws(emulator.as_account(emulator.start(paths.folder), "123456789012"))
    deploy(aws, "loop", "def handler(event, context):\n    while True:\n        pass\n", Timeout=60)
    aws.client("lambda").invoke(FunctionName="loop", InvocationType="Event", Payload=b"{}")
    deadline = time.monotonic() + 60
    while not processes_of("loop") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_of("loop")

    os.kill(emulator.status(paths.folder).pid or 0, signal.SIGKILL)

    assert set() == eventually_none("loop")


def eventually_none(name: str) -> set[int]:
    """Return the remaining processes of a function after a while; there should be none."""
    deadline = time.monotonic() + 60
    while (left := processes_of(name)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def test_required(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Required isolation is provided or is an error; a running server without it is restarted."""
    monkeypatch.setenv(sandbox.VARIABLE, "off")
    emulator.start(tmp_path / ".emulator")
    before = emulator.status(tmp_path / ".emulator")
    monkeypatch.setenv(sandbox.VARIABLE, "required")

    try:
        if LEVEL == "environment":
            with pytest.raises(EmulatorError, match="cannot isolate code"):
                emulator.start(tmp_path / ".emulator")
            return
        emulator.start(tmp_path / ".emulator")
        after = emulator.status(tmp_path / ".emulator")
    finally:
        emulator.stop(tmp_path / ".emulator")

    assert (before.isolation, after.isolation) == ("environment", "namespaces")


def test_unknown_requirement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown value of CRUDDUR_ISOLATION is an error."""
    monkeypatch.setenv(sandbox.VARIABLE, "requird")

    with pytest.raises(IsolationError, match="'requird' is not one of auto, required, off"):
        process.start(EmulatorPaths(tmp_path / ".emulator"))


def test_level_is_reported(isolated: tuple[str, EmulatorPaths, Aws]) -> None:
    """The log and the status show the isolation of functions."""
    level, paths, _ = isolated

    assert level == emulator.status(paths.folder).isolation
    assert f"isolation of functions: {level}" in paths.log.read_text()


NODE = """
const fs = require("fs");
const attempt = (action) => { try { return action(); } catch (error) { return error.code; } };
exports.handler = async (event) => ({
  environment: process.env,
  folder: __dirname,
  checkout: attempt(() => fs.readdirSync(event.checkout)),
  secret: attempt(() => fs.readFileSync(event.secret, "utf8")),
});
"""
BOOTSTRAP = f"""#!{sandbox.python()} -IS
import json, os, urllib.request
from pathlib import Path

def attempt(action):
    try:
        return action()
    except OSError as error:
        return type(error).__name__

runtime = f"http://{{os.environ['AWS_LAMBDA_RUNTIME_API']}}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{{runtime}}/next") as answer:
        event, request = json.load(answer), answer.headers["Lambda-Runtime-Aws-Request-Id"]
    found = {{
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "checkout": attempt(lambda: os.listdir(event["checkout"])),
        "secret": attempt(Path(event["secret"]).read_text),
    }}
    body = json.dumps(found).encode()
    urllib.request.urlopen(f"{{runtime}}/{{request}}/response", body).close()
"""


@pytest.mark.parametrize(
    ("runtime", "file", "source"),
    [("nodejs22.x", "index.js", NODE), ("provided.al2023", "bootstrap", BOOTSTRAP)],
)
def test_other_runtimes(
    isolated: tuple[str, EmulatorPaths, Aws], runtime: str, file: str, source: str
) -> None:
    """Functions in other languages are isolated in the same way."""
    level, paths, aws = isolated
    name = runtime.partition(".")[0]
    made = function(
        code(aws, source, f"{name}.zip", file=file),
        FunctionName=name,
        Runtime=runtime,
        Timeout=20,
    )
    aws.deploy(f"s-{name}", template(Role=ROLE, F=made), Capabilities=["CAPABILITY_IAM"])

    found = invoke(aws, name, {"checkout": str(CHECKOUT), "secret": str(paths.secret)})

    if runtime.startswith("node") and shutil.which("node") is None:
        assert "errorMessage" in found  # As documented: Node is the machine's.
        return
    assert not {KEY, paths.secret.read_text().strip()} & {*found["environment"].values()}
    assert not {"AUTH", "GATEWAY_PORT", "PYTHONPATH"} & {*found["environment"]}
    if level == "environment":
        assert paths.secret.read_text() == found["secret"]
        return
    assert found["folder"] == "/var/task"
    assert found["checkout"] in ("ENOENT", "FileNotFoundError")
    assert found["secret"] in ("ENOENT", "FileNotFoundError")


def test_jobs(isolated: tuple[str, EmulatorPaths, Aws]) -> None:
    """A script of a Glue job is isolated as well, so it cannot read the secret."""
    _, paths, aws = isolated
    where = code(aws, "x", "unused.zip")
    script = (
        "import os, pathlib, sys\n"
        f"sys.exit(pathlib.Path({str(paths.folder / 'secret')!r}).read_text() + str(os.environ))\n"
    )
    aws.client("s3").put_object(Bucket=where["S3Bucket"], Key="job.py", Body=script.encode())
    glue = aws.client("glue")
    place = f"s3://{where['S3Bucket']}/job.py"
    command = {"Name": "pythonshell", "ScriptLocation": place, "PythonVersion": "3"}
    glue.create_job(Name="spy", Role="arn:aws:iam::123456789012:role/r", Command=command)

    run = glue.start_job_run(JobName="spy")["JobRunId"]

    deadline = time.monotonic() + 60
    while (found := glue.get_job_run(JobName="spy", RunId=run)["JobRun"])["JobRunState"] in {
        *("STARTING", "RUNNING", "WAITING")
    }:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert found["JobRunState"] == "FAILED"
    assert "GATEWAY_PORT" not in found["ErrorMessage"]
    if isolated[0] == "namespaces":
        assert paths.secret.read_text().strip() not in found["ErrorMessage"]
