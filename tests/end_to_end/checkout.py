"""Copies of the checkout to run commands in, each with its own emulator."""

from __future__ import annotations

import compileall
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import emulator
from operations import lambdas, project
from tests.emulator_server import REGION, Aws, locked
from tests.end_to_end.fork_server import Started, fork_server
from tests.end_to_end.recording_proxy import RecordingProxy, recording_proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).parents[2]
TINY = Path(__file__).parent / "tiny"
LOCAL, DEV = "000000000000", "111111111111"
SMALL_STACKS = ("ground", "far", "left", "right", "top")
AWS_CLI = """
import contextlib, io, json, sys
from awscli.clidriver import create_clidriver

for line in sys.stdin:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        code = create_clidriver().main(json.loads(line))
    print(json.dumps([code, out.getvalue()]), flush=True)
"""
COMPLETE = dict.fromkeys(SMALL_STACKS, "CREATE_COMPLETE")
_PYTHON_FOLDERS = ("commands", "deployer", "emulator", "operations", "stacks")
_COPIED_FOLDERS = ("backend", "config", "lambdas", *_PYTHON_FOLDERS)
_ENV = """\
[env]
project = "cruddur"
prefix = "crd"
name = "{env}"
account = "{account}"
region = "ca-central-1"
domain = "{env}.example"
hosted_zone = "{zone}"
protect = {protect}
"""


@dataclass(frozen=True)
class CommandOutput:
    """The output of a command: *out* is standard output, *err* standard error."""

    out: str
    err: str

    @property
    def first(self) -> str:
        """The first line of standard error."""
        return self.err.partition("\n")[0]

    @property
    def last(self) -> str:
        """The last line of standard error."""
        return self.err.splitlines()[-1]


@dataclass
class Checkout:
    """A copy of the checkout in *path*.

    Every command runs with the home folder *home* and with the variables *env*.
    """

    path: Path
    home: Path
    env: dict[str, str] = field(default_factory=dict)
    _accounts: dict[emulator.Endpoint, Aws] = field(default_factory=dict)

    def run(self, *task: str, code: int = 0, cwd: str = ".", **env: str) -> CommandOutput:
        """Run `invoke TASK` without a terminal; it must end with exit code *code*."""
        environ, server = self.environ | env, fork_server()
        if not server.supports(environ):
            return self.command("-m", "invoke", *task, code=code, cwd=cwd, **env)
        ran = server.run("invoke", *task, cwd=self.path / cwd, env=environ)
        return _checked(code, ran.code, ran.out, ran.err)

    @contextmanager
    def aws(self) -> Iterator[Callable[..., str]]:
        """Yield a function that runs commands of the AWS CLI, all of them in one process."""
        with subprocess.Popen(
            [sys.executable, "-c", AWS_CLI],
            cwd=self.path,
            env=self.environ | self.aws_env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:

            def run(*command: str) -> str:
                process.stdin.write(json.dumps(command) + "\n")
                process.stdin.flush()
                code, out = json.loads(process.stdout.readline())
                assert code == 0, command
                return str(out)

            try:
                yield run
            finally:
                process.stdin.close()

    def command(self, *python: str, code: int = 0, cwd: str = ".", **env: str) -> CommandOutput:
        """Run Python with the arguments *python*; it must end with exit code *code*."""
        ran = subprocess.run(
            [sys.executable, *python],
            cwd=self.path / cwd,
            env=self.environ | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return _checked(code, ran.returncode, ran.stdout, ran.stderr)

    def shell(self, script: str, **env: str) -> str:
        """Run a shell script in the checkout, with .venv active; return its output."""
        active = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environ = self.environ | {"PATH": active, "PYTHONWARNINGS": ""} | env
        ran = subprocess.run(
            ["sh", "-euc", script],
            cwd=self.path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
        return ran.stdout

    @contextmanager
    def running(self, *task: str) -> Iterator[Running]:
        """Run `invoke TASK` in the background, in its own process group, like a job of a shell."""
        with subprocess.Popen(
            [sys.executable, "-m", "invoke", *task],
            cwd=self.path,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        ) as process:
            try:
                yield Running(process)
            finally:
                process.kill()

    @contextmanager
    def running_until_killed(self, *task: str) -> Iterator[Running]:
        """Run `invoke TASK` in the background, in a fork: SIGKILL ends it like any other process."""
        process = fork_server().start("invoke", *task, cwd=self.path, env=self.environ)
        try:
            yield Running(process)
        finally:
            process.kill()

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables of commands, with which a warning is an error."""
        kept = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8"}
        return kept | {"PYTHONWARNINGS": "error"} | self.env

    @property
    def aws_env(self) -> dict[str, str]:
        """The variables with which the AWS CLI uses the emulator; warnings of the CLI are allowed."""
        return emulator.environment_variables(self.endpoint, region=REGION) | {"PYTHONWARNINGS": ""}

    @property
    def emulator(self) -> Path:
        """The folder of the emulator."""
        return self.path / ".emulator"

    @property
    def endpoint(self) -> emulator.Endpoint:
        """The emulator as the account of `local`; the emulator is started if it does not run."""
        return emulator.start(self.emulator, account=LOCAL)

    def root_key(self, account: str) -> dict[str, str]:
        """Return the variables with which a command uses *account* as its root."""
        endpoint = emulator.as_account(self.endpoint, account)
        return {
            "AWS_ACCESS_KEY_ID": endpoint.access_key,
            "AWS_SECRET_ACCESS_KEY": endpoint.secret_key,
        }

    def set_resource_delay(self, seconds: float) -> None:
        """Set the time that the creation of each resource takes."""
        emulator.set_resource_delay(self.endpoint, seconds)

    def stacks(self, account: str = LOCAL) -> dict[str, str]:
        """Return the status of each stack by its short name."""
        found = [
            stack
            for region in (REGION, "us-east-1")
            for stack in self.client("cloudformation", region, account).describe_stacks()["Stacks"]
        ]
        return {stack["StackName"].split("-", 2)[2]: stack["StackStatus"] for stack in found}

    def wait_for_operations(self) -> dict[str, str]:
        """Wait until no stack operation runs; return the status of each stack."""
        deadline = time.monotonic() + 60
        while "_IN_PROGRESS" in str(found := self.stacks()):
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
        return found

    def client(self, service: str, region: str = REGION, account: str = LOCAL) -> Any:
        """Return a boto3 client of the emulator, cached by its arguments."""
        endpoint = emulator.as_account(self.endpoint, account)
        return self._accounts.setdefault(endpoint, Aws(endpoint)).client(service, region)

    def configure(
        self, env: str = "local", *, protect: bool | None = None, **settings: Mapping[str, Any]
    ) -> None:
        """Write the config file of the small stacks; *settings* has the settings by stack."""
        account = LOCAL if env == "local" else DEV
        protected = _toml(env != "local" if protect is None else protect)
        zone = f"Z0{env.upper().replace('-', '')}EXAMPLE"
        text = _ENV.format(env=env, account=account, zone=zone, protect=protected)
        for stack in SMALL_STACKS:
            text += f"\n[{stack}]\n"
            text += "".join(f"{key} = {_toml(v)}\n" for key, v in settings.get(stack, {}).items())
        (self.path / "config" / f"{env}.toml").write_text(text)

    @contextmanager
    def recorded_requests(self) -> Iterator[RecordingProxy]:
        """Record every request that commands send to the emulator."""
        with recording_proxy(self.endpoint, self.home) as proxy, proxy.redirect(self.emulator):
            yield proxy


@dataclass
class Running:
    """A running task, and its output on standard error so far."""

    process: subprocess.Popen[str] | Started
    printed: str = ""

    def wait_for(self, text: str) -> None:
        """Read standard error until a line contains *text*."""
        for line in self.process.stderr:
            self.printed += line
            if text in line:
                return
        raise AssertionError(f"never printed {text!r}:\n{self.printed}")

    def interrupt(self, signal_number: signal.Signals) -> int:
        """Send a signal to all processes of the task, as a terminal does; return the exit code."""
        os.killpg(self.process.pid, signal_number)
        _, rest = self.process.communicate(timeout=60)
        self.printed += rest
        assert "Traceback" not in self.printed, self.printed
        return self.process.returncode

    def end(self) -> int:
        """Wait for the end; return the exit code."""
        _, rest = self.process.communicate(timeout=60)
        self.printed += rest
        return self.process.returncode


def copy(folder: Path) -> Checkout:
    """Copy the sources to *folder*, into a path with spaces and letters outside of ASCII."""
    _prepare()
    checkout = Checkout(folder / "Čruddur für alle", folder / "home")
    checkout.home.mkdir()
    for name in _COPIED_FOLDERS:
        shutil.copytree(ROOT / name, checkout.path / name, copy_function=_copy_or_link)
    shutil.copy2(ROOT / "tasks.py", checkout.path)
    (checkout.path / ".cache").symlink_to(ROOT / ".cache")  # The cached findings of cfn-lint.
    drafts = shutil.ignore_patterns("draft-*")  # Temporary files of a concurrent build.
    shutil.copytree(ROOT / "dist", checkout.path / "dist", ignore=drafts, copy_function=_link)
    return checkout


def _checked(expected: int, code: int, out: str, err: str) -> CommandOutput:
    """Return what a command printed; it must have ended with *expected* and no traceback."""
    assert expected == code, f"exit code {code}\n{out}\n{err}"
    assert "Traceback" not in err, err
    return CommandOutput(out, err)


def _copy_or_link(file: str, copy: str) -> None:
    """Copy a source, which a test may edit; link bytecode, which Python replaces and never edits."""
    if file.endswith(".pyc"):
        _link(file, copy)
    else:
        shutil.copy2(file, copy)


def _link(file: str, link: str) -> None:
    """Create *link* as a hard link to the read-only *file*; copy it if it is on another disk."""
    try:
        os.link(file, link)
    except OSError:
        shutil.copy2(file, link)


@functools.cache
def _prepare() -> None:
    """Build the artifacts in this checkout, because copies have no settings for package indexes.

    Also compile the sources: with PYTHONDONTWRITEBYTECODE, every copy would compile them again.
    The first worker of a test run does this for all workers.
    """
    (ROOT / ".cache").mkdir(exist_ok=True)
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    with locked(ROOT / ".cache" / "prepared-for-test-run") as file:
        if file.read() == run:
            return
        lambdas.build(project.environment("local").artifacts)
        for name in _PYTHON_FOLDERS:
            compileall.compile_dir(ROOT / name, quiet=1)
        file.seek(0)
        file.truncate()
        file.write(run)


def tiny(folder: Path) -> Checkout:
    """Copy the checkout, with the small stacks of tiny/ instead of the real ones."""
    checkout = with_stacks(folder, TINY)
    checkout.configure()
    return checkout


def with_stacks(folder: Path, stacks: Path) -> Checkout:
    """Copy the checkout, with *stacks* instead of the real ones and without config files."""
    checkout = copy(folder)
    shutil.rmtree(checkout.path / "stacks")
    shutil.copytree(stacks, checkout.path / "stacks")
    for shared in ("parts", "permissions"):  # Stack files and operations/ import from these.
        shutil.copytree(ROOT / "stacks" / shared, checkout.path / "stacks" / shared)
    for file in (checkout.path / "config").glob("*.toml"):
        file.unlink()
    return checkout


def kebab_case(title: str) -> str:
    """Return *title* as it is written in names of resources: RecordImage becomes record-image."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", title).lower()


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)
