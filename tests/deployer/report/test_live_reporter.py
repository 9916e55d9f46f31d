"""The progress display of a run on a real terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from deployer.events import OperationStarted, Started
from deployer.report.progress import RunProgress
from deployer.report.progress_rows import rows
from tests.deployer.report.samples import CREATING, NETWORK, progress
from tests.deployer.report.screen import Screen
from tests.fakes import REGION, FakeClock

ROOT = Path(__file__).parents[3]
RUN = """
import os, sys, time
from deployer.report import LivePlan, reporter
from tests.deployer.report.samples import *
run = reporter(json=False, stream=sys.stderr, environ=os.environ)
with run:
    run.start("x", "000000000000", REGION, emulator=False)
    run.plan(LivePlan(STEPS[:2]))
    try:
        for event in CREATING:
            run.event(event)
            if isinstance(event, ChangeSetCreated):
                with run.paused():
                    print("Execute? [y/N] y", file=sys.stderr)
        {then}
    except KeyboardInterrupt:
        run.interrupted()
"""
START = [
    "x: account 000000000000, region ca-central-1",
    "crd-x-network  create  not in the account yet",
    "crd-x-cluster  update  template changed",
    "2 stacks: 1 create, 1 update",
    "crd-x-network: 2 added",
    "  + 2 resources: Vpc, Subnet1",
    "Execute? [y/N] y",
]
INTERRUPTED = [
    "interrupted: these operations continue in AWS:",
    "  crd-x-network: creating in ca-central-1, 1 of 2 resources done",
    "hint: run the same command again to continue",
    "      to follow the operations: ./inv attach --env=x",
    "      to cancel them: ./inv cancel --env=x",
]


def on_a_terminal(then: str, *, interrupt_at: str = "", **more: str) -> str:
    """Return what a run writes to a terminal of 80 columns; send Ctrl-C after *interrupt_at*."""
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    unset = dict.fromkeys(("NO_COLOR", "COLUMNS", "LINES"), "")
    settings = {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
    environ = {key: value for key, value in os.environ.items() if key != "FORCE_COLOR"}
    child = subprocess.Popen(
        [sys.executable, "-c", RUN.format(then=then)],
        env=environ | unset | settings | more,
        stdin=inside,
        stdout=inside,
        stderr=inside,
    )
    os.close(inside)
    written = bytearray()
    for data in _read(terminal):
        written += data
        if interrupt_at and interrupt_at.encode() in written:
            child.send_signal(signal.SIGINT)
            interrupt_at = ""
    assert child.wait() == 0, written.decode()
    return written.decode()


def _read(terminal: int) -> Iterator[bytes]:
    with suppress(OSError):  # Linux raises this error when the other end is closed.
        while data := os.read(terminal, 65_536):
            yield data
    os.close(terminal)


def test_an_interrupt_restores_the_screen() -> None:
    """After Ctrl-C the progress display is removed, and the cursor is visible."""
    written = on_a_terminal("time.sleep(20)", interrupt_at="creating      Vpc")

    screen = Screen(80)
    screen.feed(written)
    assert [line for line in screen.lines() if line] == [*START, *INTERRUPTED]
    assert (screen.is_cursor_visible, screen.column) == (True, 0)


def test_finished_lines_stay() -> None:
    """Finished stacks keep their lines, and a failure is shown immediately."""
    written = on_a_terminal("[run.event(event) for event in (*CREATED, *FAILED)]; run.summary()")

    screen = Screen(80)
    screen.feed(written)
    shown = "\n".join(screen.lines())
    assert re.search(r"^crd-x-network  created             in \d+ s$", shown, re.MULTILINE)
    assert "crd-x-cluster  UPDATE_FAILED       Service (AWS::EC2::VPC): no capacity left" in shown
    assert "CREATE_IN_PROGRESS" not in shown
    assert screen.lines()[-2] == "skipped: crd-x-service: it depends on crd-x-cluster"
    assert screen.is_cursor_visible


def test_no_color_is_honoured() -> None:
    """With NO_COLOR the lines move without colours."""
    written = on_a_terminal("run.summary()", NO_COLOR="1")

    assert "\x1b[?25h" in written
    assert "m" not in {text[-1:] for text in _controls(written)}


def test_a_dumb_terminal_gets_plain_lines() -> None:
    """With TERM=dumb there is no control character."""
    written = on_a_terminal("run.summary()", TERM="dumb")

    assert "\x1b" not in written
    assert "creating            in ca-central-1" in written


def _controls(text: str) -> list[str]:
    return re.findall(r"\x1b\[[?\d;]*[A-Za-z]", text)


@pytest.mark.parametrize("width", [20, 40, 79, 200])
def test_a_row_fits_the_terminal(width: int) -> None:
    """There is one line for each stack in progress, which fits, however long the names are."""
    clock = FakeClock()
    run = RunProgress(clock.now)
    run.expect([NETWORK, "crd-x-cluster"])
    long = Started("crd-x-" + "very" * 20, "create", "")
    for event in [*CREATING, long, OperationStarted(long.stack, REGION, "create", "arn")]:
        run.record(event)
    clock.sleep(4000)

    lines = rows(run, width)

    assert len(lines) == 3
    assert all(len(line) <= width for line in lines)


def test_a_row_shows_the_current_resource() -> None:
    """A row has the current resource, the count, and the duration."""
    clock = FakeClock()
    run = RunProgress(clock.now)
    for event in CREATING:
        run.record(event)
    clock.sleep(65)

    [line] = rows(run, 70)

    assert line == f"crd-x-network  creating      {'Vpc':24}  1/2  1 min 05 s"


def test_a_row_shows_a_rollback() -> None:
    """During a rollback a row has no count."""
    run = RunProgress(FakeClock().now)
    for event in [*CREATING, progress("network", NETWORK, "ROLLBACK_IN_PROGRESS")]:
        run.record(event)

    [line] = rows(run, 60)

    assert line.startswith("crd-x-network  rolling back")
    assert "1/2" not in line
