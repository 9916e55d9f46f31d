"""Every task has help for --env, handles signals, and prints tracebacks with --debug."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from invoke.context import Context

from commands.framework.task import ENV_HELP, task

ROOT = Path(__file__).parents[3]
TASK = """
import sys, time
from invoke.context import Context
from invoke.exceptions import Exit
from commands.framework.task import task

@task()
def wait(_):
    try:
        print("started", flush=True)
        sys.stdin.readline()
    finally:
        print("cleaning up", flush=True)
        time.sleep(0.3)
        print("clean", flush=True)

try:
    wait(Context())
except Exit as ended:
    sys.exit(ended.code)
"""


def started(*before: str) -> subprocess.Popen[str]:
    """Start a task in a process that runs the statements *before* first.

    The process does not ignore SIGHUP, even if the tests run under nohup.
    """
    default = ("import signal", "signal.signal(signal.SIGHUP, signal.SIG_DFL)")
    process = subprocess.Popen(
        [sys.executable, "-c", "\n".join((*default, *before)) + TASK],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "started\n"
    return process


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGHUP])
def test_termination_signals(first: signal.Signals, second: signal.Signals) -> None:
    """The first signal interrupts the task; a second one does not interrupt its cleanup."""
    with started() as process:
        process.send_signal(first)
        assert process.stdout.readline() == "cleaning up\n"
        process.send_signal(second)
        out, err = process.communicate(timeout=60)

    assert out == "clean\n"
    assert err == ""
    assert process.returncode == 130


def test_nohup() -> None:
    """A signal that the parent process ignores does not interrupt the task."""
    with started("import signal", "signal.signal(signal.SIGHUP, signal.SIG_IGN)") as process:
        process.send_signal(signal.SIGHUP)
        out, _ = process.communicate("go on\n", timeout=60)

    assert out == "cleaning up\nclean\n"
    assert process.returncode == 0


def test_the_help_of_env() -> None:
    """The help of --env is added to tasks that have the parameter `env` and no help for it."""

    @task(help={"json": "as JSON"})
    def without_help(_: Context, env: str = "", json: bool = False) -> None: ...

    @task(help={"env": "another"})
    def with_help(_: Context, env: str = "") -> None: ...

    @task()
    def without_env(_: Context) -> None: ...

    assert [task_.help for task_ in (without_help, with_help, without_env)] == [
        {"env": ENV_HELP, "json": "as JSON"},
        {"env": "another"},
        {},
    ]


def failing(statement: str, *argv: str) -> list[str]:
    """Run a task that fails with *statement*, and return its lines on standard error."""
    text = f"""
import sys
from invoke.context import Context
from invoke.exceptions import Exit
from deployer.errors import ConfigError
from commands.framework.task import task

@task()
def fail(_):
    {statement}

try:
    fail(Context())
except Exit as ended:
    sys.exit(ended.code)
"""
    done = subprocess.run(
        [sys.executable, "-c", text, *argv], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    return done.stderr.splitlines()


@pytest.mark.parametrize(
    ("statement", "errors"),
    [
        ("raise ConfigError('a: b')", ["error: a: b"]),
        ("raise Exit(code=1) from ConfigError('a: b')", []),
    ],
)
def test_debug(statement: str, errors: list[str]) -> None:
    """A traceback is printed only with --debug, whichever part of the task printed the error."""
    assert errors == failing(statement)
    assert failing(statement, "--debug")[-1] == "deployer.errors.ConfigError: a: b"
