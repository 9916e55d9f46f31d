"""Commands in an AWS account: with guards, questions and TLS, through the proxy of wire.py."""

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
from tests.end_to_end.wire import Call


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    """Yield a copy with the small stacks, with credentials of the account of `dev`."""
    copied = checkouts.tiny(tmp_path_factory.mktemp("dev"))
    copied.configure("dev", left={"bucket": "kept"})
    copied.run("synth")
    account = emulator.as_account(copied.endpoint, DEV)
    emulator.create_prerequisites(
        account, emulator.Prerequisites((("Z0DEVEXAMPLE", "dev.example"),))
    )
    with copied.wire() as copied.between:
        copied.env |= copied.between.proxy
        copied.env |= copied.root_key(DEV)
        copied.env |= {"CRUDDUR_ENV": "dev"}
        yield copied
    emulator.stop(copied.emulator)


@contextmanager
def terminal(checkout, *task):
    """Run `invoke TASK` at a terminal; yield the terminal and the process."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "invoke", *task],
        cwd=checkout.path,
        env=checkout.environ | {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        try:
            yield ours, process
        finally:
            process.kill()
            os.close(ours)


def answer(checkout, *task, answers):
    """Run `invoke TASK` at a terminal and answer its questions; return exit code and output."""
    shown = ""
    with terminal(checkout, *task) as (screen, process):
        for each in [*answers, None]:
            shown += read(screen, until=None if each is None else "[y/N] ")
            if each is not None:
                os.write(screen, f"{each}\n".encode())
        process.stdout.read()
        return process.wait(20), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r", "")


def read(screen, *, until):
    """Return the output of the terminal up to *until*, or to the end."""
    shown = b""
    while until is None or not shown.decode(errors="replace").endswith(until):
        try:
            more = os.read(screen, 65536)
        except OSError:  # The other side is closed: Linux says so with EIO.
            break
        if not more:
            break
        shown += more
    return shown.decode(errors="replace")


def test_story(dev):
    """An operator is asked for each change set, and the default is no.

    Refused, nothing is left in the account. Approved or with --yes it is deployed, with what holds
    data protected. Then nothing is to do: one GetCallerIdentity, one DescribeStacks per region.
    """
    refused, question = answer(dev, "deploy", "--stack=ground", answers=[""])
    after = dev.stacks(DEV)
    approved, shown = answer(dev, "deploy", "--stack=left", "--jobs=1", answers=["y", "yes"])
    dev.run("deploy", "--yes")
    dev.between.calls.clear()
    again = dev.run("deploy")
    looks = list(dev.between.calls)

    assert 3 == refused
    assert "crd-dev-ground: 2 added" in question
    assert {} == after
    assert 0 == approved
    assert "crd-dev-left: 4 added" in shown
    assert "2 created, in " in shown
    assert [
        Call("ca-central-1", "GetCallerIdentity"),
        Call("ca-central-1", "DescribeStacks"),
        Call("us-east-1", "DescribeStacks"),
    ] == looks
    assert again.last.startswith("5 kept, in ")
    assert COMPLETE == dev.stacks(DEV)
    assert ["crd-dev-left"] == protected(dev)
    assert {} == dev.stacks()  # The account of `local`, on the same machine, saw nothing of it.


def test_destroy(dev):
    """A protected stack is deleted only when it is named and approved."""
    dev.run("deploy", "--yes", "--stack=left")

    kept = dev.run("destroy", "--yes", code=3)
    refused, question = answer(dev, "destroy", "--confirm=crd-dev-left", answers=["n"])
    there = dev.stacks(DEV)
    gone, _ = answer(dev, "destroy", "--confirm=crd-dev-left", answers=["y"])

    assert "crd-dev-left is protected" in kept.err
    assert 3 == refused
    assert "crd-dev-left" in question
    assert "left" in there
    assert 0 == gone
    assert {} == dev.stacks(DEV)


def test_interrupted_question(dev):
    """Ctrl-C at the question leaves the change set and says so; the next run creates its own."""
    with terminal(dev, "deploy", "--stack=far") as (screen, process):
        read(screen, until="[y/N] ")
        os.killpg(process.pid, signal.SIGINT)

        shown = read(screen, until=None)

        assert 130 == process.wait(20)
        process.stdout.read()
    assert "crd-dev-far: its change set exists, and may have been executed" in shown
    assert "REVIEW_IN_PROGRESS" == dev.stacks(DEV)["far"]
    dev.run("deploy", "--stack=far", "--yes")
    assert "CREATE_COMPLETE" == dev.stacks(DEV)["far"]


def protected(checkout):
    """Return the stacks with termination protection."""
    stacks = checkout.client("cloudformation", account=DEV).describe_stacks()["Stacks"]
    return [stack["StackName"] for stack in stacks if stack["EnableTerminationProtection"]]
