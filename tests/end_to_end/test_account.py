"""Tests of commands in an AWS account, with safety checks, approval and TLS, through the proxy."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

import emulator
from tests.end_to_end import checkout as checkouts
from tests.end_to_end.checkout import COMPLETE, DEV
from tests.end_to_end.recording_proxy import Call

# The preflight refuses the root user, who is the caller in the emulator.
DEPLOY = ("deploy", "--skip-preflight")


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    """Yield a copy of the checkout with the small stacks and credentials of the account of `dev`."""
    copied = checkouts.tiny(tmp_path_factory.mktemp("dev"))
    copied.configure("dev", left={"bucket": "kept"})
    copied.run("synth")
    account = emulator.as_account(copied.endpoint, DEV)
    emulator.create_prerequisites(
        account, emulator.Prerequisites((("Z0DEVEXAMPLE", "dev.example"),))
    )
    with copied.recorded_requests() as copied.proxy:
        copied.env |= copied.proxy.variables
        copied.env |= copied.root_key(DEV)
        copied.env |= {"CRUDDUR_ENV": "dev"}
        yield copied
    emulator.stop(copied.emulator)


@contextmanager
def terminal(checkout, *task):
    """Run `invoke TASK` at a terminal; yield the terminal and the process."""
    controller, terminal_end = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "invoke", *task],
        cwd=checkout.path,
        env=checkout.environ | {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"},
        stdin=terminal_end,
        stdout=subprocess.PIPE,
        stderr=terminal_end,
        start_new_session=True,
    ) as process:
        os.close(terminal_end)
        try:
            yield controller, process
        finally:
            process.kill()
            os.close(controller)


def run_with_answers(checkout, *task, answers):
    """Run `invoke TASK` at a terminal and answer its questions; return exit code and output."""
    shown = ""
    with terminal(checkout, *task) as (screen, process):
        for reply in [*answers, None]:
            shown += read(screen, until=None if reply is None else "[y/N] ")
            if reply is not None:
                os.write(screen, f"{reply}\n".encode())
        process.stdout.read()
        return process.wait(60), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r", "")


def read(screen, *, until):
    """Return the output of the terminal up to *until*, or to the end."""
    shown = b""
    while until is None or not shown.decode(errors="replace").endswith(until):
        try:
            more = os.read(screen, 65536)
        except OSError:  # Linux raises EIO when the other side is closed.
            break
        if not more:
            break
        shown += more
    return shown.decode(errors="replace")


def test_the_preflight_stops_the_first_deploy(dev):
    """Without `--skip-preflight`, the first deploy changes nothing if something has to be fixed."""
    stopped = dev.run("deploy", "--yes", code=3)

    assert "permissions: the caller is the root user" in stopped.err
    assert "to be fixed before the first deploy; nothing was changed" in stopped.err
    assert dev.stacks(DEV) == {}


def test_each_change_set_needs_an_approval(dev):
    """A deploy needs an approval for each change set; the default answer is no.

    A refusal leaves nothing in the account. After an approval or with --yes, stacks are deployed,
    and those with data are protected. A further deploy makes three read requests.
    """
    refused, question = run_with_answers(dev, *DEPLOY, "--stack=ground", answers=[""])
    after = dev.stacks(DEV)
    approved, shown = run_with_answers(
        dev, *DEPLOY, "--stack=left", "--jobs=1", answers=["y", "yes"]
    )
    dev.run(*DEPLOY, "--yes")
    dev.proxy.calls.clear()
    again = dev.run("deploy")
    reads = list(dev.proxy.calls)

    assert refused == 3
    assert "crd-dev-ground: 2 added" in question
    assert after == {}
    assert approved == 0
    assert "crd-dev-left: 4 added" in shown
    assert "2 created, in " in shown
    assert [
        Call("ca-central-1", "GetCallerIdentity"),
        Call("ca-central-1", "DescribeStacks"),
        Call("us-east-1", "DescribeStacks"),
    ] == reads
    assert again.last.startswith("5 kept, in ")
    assert dev.stacks(DEV) == COMPLETE
    assert protected(dev) == ["crd-dev-left"]
    assert dev.stacks() == {}  # The account of `local` in the same emulator is unchanged.


def test_destroy(dev):
    """A protected stack is deleted only with `--confirm` and an approval."""
    dev.run(*DEPLOY, "--yes", "--stack=left")

    unconfirmed = dev.run("destroy", "--yes", code=3)
    refused, question = run_with_answers(dev, "destroy", "--confirm=crd-dev-left", answers=["n"])
    remaining = dev.stacks(DEV)
    deleted, _ = run_with_answers(dev, "destroy", "--confirm=crd-dev-left", answers=["y"])

    assert "crd-dev-left is protected" in unconfirmed.err
    assert refused == 3
    assert "crd-dev-left" in question
    assert "left" in remaining
    assert deleted == 0
    assert dev.stacks(DEV) == {}


def test_interrupted_question(dev):
    """Ctrl-C at the question keeps the change set and reports it; the next run creates a new one."""
    with terminal(dev, *DEPLOY, "--stack=far") as (screen, process):
        read(screen, until="[y/N] ")
        os.killpg(process.pid, signal.SIGINT)

        shown = read(screen, until=None)

        assert process.wait(60) == 130
        process.stdout.read()
    assert "crd-dev-far: its change set exists, and may have been executed" in shown
    assert dev.stacks(DEV)["far"] == "REVIEW_IN_PROGRESS"
    dev.run(*DEPLOY, "--stack=far", "--yes")
    assert dev.stacks(DEV)["far"] == "CREATE_COMPLETE"


def protected(checkout):
    """Return the stacks with termination protection."""
    stacks = checkout.client("cloudformation", account=DEV).describe_stacks()["Stacks"]
    return [stack["StackName"] for stack in stacks if stack["EnableTerminationProtection"]]
