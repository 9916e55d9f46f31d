"""A copy of the checkout to run commands in, with an emulator of its own."""

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
from tests.emulator_server import REGION, Aws
from tests.end_to_end.fork_server import fork_server
from tests.end_to_end.wire import Wire, between

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).parents[2]
TINY = Path(__file__).parent / "tiny"
LOCAL, DEV = "000000000000", "111111111111"
FLOORS = ("ground", "far", "left", "right", "top")
AWS_CLI = """
import contextlib, io, json, sys
from awscli.clidriver import create_clidriver

for line in sys.stdin:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        code = create_clidriver().main(json.loads(line))
    print(json.dumps([code, out.getvalue()]), flush=True)
"""
COMPLETE = dict.fromkeys(FLOORS, "CREATE_COMPLETE")
_RUNS = ("commands", "deployer", "emulator", "operations", "stacks")
_DEPLOYED = ("backend", "config", "lambdas", *_RUNS)
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
class Ran:
    """What a command told on stdout and stderr."""

    out: str
    err: str

    @property
    def first(self) -> str:
        """The first line of what it told."""
        return self.err.partition("\n")[0]

    @property
    def last(self) -> str:
        """The last line of what it told."""
        return self.err.splitlines()[-1]


@dataclass
class Checkout:
    """A copy in *path*, used by somebody whose home is *home*; *env* is set for every command."""

    path: Path
    home: Path
    env: dict[str, str] = field(default_factory=dict)
    _accounts: dict[emulator.Endpoint, Aws] = field(default_factory=dict)

    def run(self, *task: str, code: int = 0, cwd: str = ".", **env: str) -> Ran:
        """Run `invoke TASK` without a terminal; it must end with exit code *code*."""
        environ, server = self.environ | env, fork_server()
        if not server.suits(environ):
            return self.command("-m", "invoke", *task, code=code, cwd=cwd, **env)
        ran = server.run("invoke", *task, cwd=self.path / cwd, env=environ)
        return _checked(code, ran.code, ran.out, ran.err)

    @contextmanager
    def aws(self) -> Iterator[Callable[..., str]]:
        """The plain AWS CLI against the emulator, one process for all its commands."""
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

    def command(self, *python: str, code: int = 0, cwd: str = ".", **env: str) -> Ran:
        """Run Python so; it must end with *code*."""
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
        """Run a script of sh, as typed in the checkout with its .venv active; its output."""
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
        assert 0 == ran.returncode, f"{ran.stdout}\n{ran.stderr}"
        return ran.stdout

    @contextmanager
    def running(self, *task: str) -> Iterator[Running]:
        """Run `invoke TASK` meanwhile, in a process group of its own, as a shell starts a job."""
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

    @property
    def environ(self) -> dict[str, str]:
        """What commands know of the world; a warning is an error to them."""
        kept = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8"}
        return kept | {"PYTHONWARNINGS": "error"} | self.env

    @property
    def aws_env(self) -> dict[str, str]:
        """What points the plain AWS CLI, whose warnings are its own, at the emulator."""
        return emulator.environment_variables(self.endpoint, region=REGION) | {"PYTHONWARNINGS": ""}

    @property
    def emulator(self) -> Path:
        """The folder of the emulator."""
        return self.path / ".emulator"

    @property
    def endpoint(self) -> emulator.Endpoint:
        """The emulator as the account of `local`, started if need be."""
        return emulator.start(self.emulator, account=LOCAL)

    def root_key(self, account: str) -> dict[str, str]:
        """Return the variables with which a command uses *account* as its root."""
        endpoint = emulator.as_account(self.endpoint, account)
        return {
            "AWS_ACCESS_KEY_ID": endpoint.access_key,
            "AWS_SECRET_ACCESS_KEY": endpoint.secret_key,
        }

    def pace(self, seconds: float) -> None:
        """From now on each resource takes so long."""
        emulator.set_resource_delay(self.endpoint, seconds)

    def stacks(self, account: str = LOCAL) -> dict[str, str]:
        """The status of each stack, by layer."""
        found = [
            stack
            for region in (REGION, "us-east-1")
            for stack in self.client("cloudformation", region, account).describe_stacks()["Stacks"]
        ]
        return {stack["StackName"].split("-", 2)[2]: stack["StackStatus"] for stack in found}

    def settle(self) -> dict[str, str]:
        """Wait until nothing runs in the account; the status of each stack."""
        deadline = time.monotonic() + 20
        while "_IN_PROGRESS" in str(found := self.stacks()):
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
        return found

    def client(self, service: str, region: str = REGION, account: str = LOCAL) -> Any:
        """A boto3 client of the emulator; asked again, the same one."""
        endpoint = emulator.as_account(self.endpoint, account)
        return self._accounts.setdefault(endpoint, Aws(endpoint)).client(service, region)

    def configure(
        self, env: str = "local", *, protect: bool | None = None, **floors: Mapping[str, Any]
    ) -> None:
        """Write the config of the tiny layers, with these settings of these floors."""
        account = LOCAL if env == "local" else DEV
        protected = _toml(env != "local" if protect is None else protect)
        zone = f"Z0{env.upper().replace('-', '')}EXAMPLE"
        text = _ENV.format(env=env, account=account, zone=zone, protect=protected)
        for floor in FLOORS:
            text += f"\n[{floor}]\n"
            text += "".join(f"{key} = {_toml(v)}\n" for key, v in floors.get(floor, {}).items())
        (self.path / "config" / f"{env}.toml").write_text(text)

    @contextmanager
    def wire(self) -> Iterator[Wire]:
        """Have every call of commands remembered meanwhile."""
        with between(self.endpoint, self.home) as wire, wire.tap(self.emulator):
            yield wire


@dataclass
class Running:
    """A task that runs."""

    process: subprocess.Popen[str]
    told: str = ""

    def wait_for(self, words: str) -> None:
        """Read what it tells until a line holds *words*."""
        for line in self.process.stderr:
            self.told += line
            if words in line:
                return
        raise AssertionError(f"never told {words!r}:\n{self.told}")

    def interrupt(self, how: signal.Signals) -> tuple[int, float]:
        """Send a signal to all of its processes, as a terminal does; exit code and seconds."""
        began = time.monotonic()
        os.killpg(self.process.pid, how)
        _, rest = self.process.communicate(timeout=30)
        self.told += rest
        assert "Traceback" not in self.told, self.told
        return self.process.returncode, time.monotonic() - began

    def end(self) -> int:
        """Let it come to its end; its exit code."""
        _, rest = self.process.communicate(timeout=20)
        self.told += rest
        return self.process.returncode


def copy(folder: Path) -> Checkout:
    """A copy of what is deployed and what deploys it, in a path that is awkward on purpose."""
    _prepare()
    checkout = Checkout(folder / "Čruddur für alle", folder / "home")
    checkout.home.mkdir()
    for name in _DEPLOYED:
        shutil.copytree(ROOT / name, checkout.path / name)
    shutil.copy2(ROOT / "tasks.py", checkout.path)
    (ROOT / ".cache").mkdir(exist_ok=True)
    (checkout.path / ".cache").symlink_to(ROOT / ".cache")  # What cfn-lint said would be the same.
    drafts = shutil.ignore_patterns("draft-*")  # Of another test that builds.
    shutil.copytree(ROOT / "dist", checkout.path / "dist", ignore=drafts, copy_function=_link)
    return checkout


def _checked(expected: int, code: int, out: str, err: str) -> Ran:
    """Return what a command printed; it must have ended with *expected* and no traceback."""
    assert expected == code, f"exit code {code}\n{out}\n{err}"
    assert "Traceback" not in err, err
    return Ran(out, err)


def _link(file: str, link: str) -> None:
    """Link a file that is never written, or copy it if it is on another disk."""
    try:
        os.link(file, link)
    except OSError:
        shutil.copy2(file, link)


@functools.cache
def _prepare() -> None:
    """Build what is deployed, with the network that we have: a copy knows nothing of this machine.

    What runs is compiled, or each copy would do that again where PYTHONDONTWRITEBYTECODE is set.
    """
    lambdas.build(project.environment("local").artifacts)
    for name in _RUNS:
        compileall.compile_dir(ROOT / name, quiet=1)


def tiny(folder: Path) -> Checkout:
    """A copy with the tiny layers instead of the real ones."""
    checkout = with_stacks(folder, TINY)
    checkout.configure()
    return checkout


def with_stacks(folder: Path, stacks: Path) -> Checkout:
    """A copy with *stacks* instead of the real ones, and no config."""
    checkout = copy(folder)
    shutil.rmtree(checkout.path / "stacks")
    shutil.copytree(stacks, checkout.path / "stacks")
    shutil.copytree(ROOT / "stacks" / "parts", checkout.path / "stacks" / "parts")
    for file in (checkout.path / "config").glob("*.toml"):
        file.unlink()
    return checkout


def kebab_case(title: str) -> str:
    """Return *title* as it stands in names of resources: RecordImage is record-image."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", title).lower()


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)
