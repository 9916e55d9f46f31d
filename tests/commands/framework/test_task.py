"""What every task has: its `--env` explained, and an end from outside."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from invoke.context import Context

from commands.framework.task import ENV, task

ROOT = Path(__file__).parents[3]
TASK = """
import sys, time
from invoke.context import Context
from invoke.exceptions import Exit
from commands.framework.task import task

@task()
def wait(_):
    try:
        print("at it", flush=True)
        sys.stdin.readline()
    finally:
        print("putting in order", flush=True)
        time.sleep(0.3)
        print("in order", flush=True)

try:
    wait(Context())
except Exit as ended:
    sys.exit(ended.code)
"""


def started(*before: str) -> subprocess.Popen[str]:
    """A process that has begun with its task, after it did what *before* says."""
    process = subprocess.Popen(
        [sys.executable, "-c", "\n".join(before) + TASK],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "at it\n" == process.stdout.readline()
    return process


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("again", [signal.SIGTERM, signal.SIGHUP])
def test_enough(how: signal.Signals, again: signal.Signals) -> None:
    """An interrupt, and only one: what the task began is put in order."""
    with started() as process:
        process.send_signal(how)
        assert "putting in order\n" == process.stdout.readline()
        process.send_signal(again)
        out, err = process.communicate(timeout=20)

    assert "in order\n" == out
    assert "" == err
    assert 130 == process.returncode


def test_nohup() -> None:
    """Whoever is going to close the terminal has said that this is not the end."""
    with started("import signal", "signal.signal(signal.SIGHUP, signal.SIG_IGN)") as process:
        process.send_signal(signal.SIGHUP)
        out, _ = process.communicate("go on\n", timeout=20)

    assert "putting in order\nin order\n" == out
    assert 0 == process.returncode


def test_what_env_means_is_said_by_itself() -> None:
    """Where a task takes one; it may say more of it than we do."""

    @task(help={"json": "as JSON"})
    def plain(_: Context, env: str = "", json: bool = False) -> None: ...

    @task(help={"env": "another"})
    def told(_: Context, env: str = "") -> None: ...

    @task()
    def without(_: Context) -> None: ...

    assert [{"env": ENV, "json": "as JSON"}, {"env": "another"}, {}] == [
        each.help for each in (plain, told, without)
    ]


def failing(how: str, *argv: str) -> list[str]:
    """What a task that fails *how* prints to standard error, when called with *argv*."""
    text = f"""
import sys
from invoke.context import Context
from invoke.exceptions import Exit
from deployer.errors import ConfigError
from commands.framework.task import task

@task()
def fail(_):
    {how}

try:
    fail(Context())
except Exit as ended:
    sys.exit(ended.code)
"""
    done = subprocess.run(
        [sys.executable, "-c", text, *argv], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert 1 == done.returncode
    return done.stderr.splitlines()


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("raise ConfigError('a: b')", ["error: a: b"]),
        ("raise Exit(code=1) from ConfigError('a: b')", []),
    ],
)
def test_debug(how: str, told: list[str]) -> None:
    """`--debug` shows how an error came about, whoever printed it; nothing else does."""
    assert told == failing(how)
    assert "deployer.errors.ConfigError: a: b" == failing(how, "--debug")[-1]
