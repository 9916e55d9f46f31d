"""What a run looks like on a terminal, and that it leaves one."""

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

from deployer.events import Operating, Started
from deployer.report.progress import RunProgress
from deployer.report.progress_rows import rows
from tests.deployer.report.samples import CREATING, NETWORK, progress
from tests.deployer.report.screen import Screen
from tests.fakes import REGION, FakeClock

ROOT = Path(__file__).parents[3]
RUN = """
import os, sys, time
from deployer.report import reporter
from tests.deployer.report.samples import *
told = reporter(json=False, stream=sys.stderr, environ=os.environ)
with told:
    told.start("x", "000000000000", REGION, emulator=True)
    told.plan(STEPS[:2], (), ())
    try:
        for event in CREATING:
            told.event(event)
            if isinstance(event, Proposed):
                with told.paused():
                    print("Execute? [y/N] y", file=sys.stderr)
        {then}
    except KeyboardInterrupt:
        told.interrupted()
"""
START = [
    "x: account 000000000000, region ca-central-1, emulator",
    "crd-x-network  create  not in the account yet",
    "crd-x-cluster  update  template changed",
    "2 stacks: 1 create, 1 update",
    "crd-x-network: 2 added",
    "  + 2 resources: Vpc, Subnet1",
    "Execute? [y/N] y",
]
INTERRUPTED = [
    "interrupted: this goes on in AWS:",
    "  crd-x-network: creating in ca-central-1, 1 of 2 resources done",
    "hint: run the same command again to follow it; `invoke status` shows it",
]


def on_a_terminal(then: str, *, interrupt_at: str = "", **more: str) -> str:
    """Everything that a run writes to a terminal of 80 columns; Ctrl-C when it shows so much."""
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
    assert 0 == child.wait(), written.decode()
    return written.decode()


def _read(terminal: int) -> Iterator[bytes]:
    with suppress(OSError):  # This is how Linux says that the other end is closed.
        while data := os.read(terminal, 65_536):
            yield data
    os.close(terminal)


def test_an_interrupt_leaves_a_sane_screen() -> None:
    """A real one, in the middle of the display: what moved is gone, the cursor is back."""
    written = on_a_terminal("time.sleep(20)", interrupt_at="creating      Vpc")

    screen = Screen(80)
    screen.feed(written)
    assert [*START, *INTERRUPTED] == [line for line in screen.lines() if line]
    assert (True, 0) == (screen.cursor, screen.column)


def test_what_is_finished_stays() -> None:
    """And a failure is told at once, before the stack is over."""
    written = on_a_terminal("[told.event(event) for event in (*CREATED, *FAILED)]; told.summary()")

    screen = Screen(80)
    screen.feed(written)
    told = "\n".join(screen.lines())
    assert re.search(r"^crd-x-network  created             in \d+ s$", told, re.MULTILINE)
    assert "crd-x-cluster  UPDATE_FAILED       Service (AWS::EC2::VPC): there is none left" in told
    assert "CREATE_IN_PROGRESS" not in told
    assert screen.lines()[-2] == "skipped: crd-x-service: it stands on crd-x-cluster"
    assert screen.cursor


def test_no_color_is_honoured() -> None:
    """The display moves, without a single colour."""
    written = on_a_terminal("told.summary()", NO_COLOR="1")

    assert "\x1b[?25h" in written
    assert "m" not in {text[-1:] for text in _controls(written)}


def test_a_dumb_terminal_gets_plain_lines() -> None:
    """No control character at all."""
    written = on_a_terminal("told.summary()", TERM="dumb")

    assert "\x1b" not in written
    assert "CREATE_IN_PROGRESS  Vpc" in written


def _controls(text: str) -> list[str]:
    return re.findall(r"\x1b\[[?\d;]*[A-Za-z]", text)


@pytest.mark.parametrize("width", [20, 40, 79, 200])
def test_a_row_fits_the_terminal(width: int) -> None:
    """However long its names are; there is one for each stack at work."""
    clock = FakeClock()
    run = RunProgress(clock.now)
    run.expect([NETWORK, "crd-x-cluster"])
    long = Started("crd-x-" + "very" * 20, "create", "")
    for event in [*CREATING, long, Operating(long.stack, REGION, "create", "arn")]:
        run.note(event)
    clock.sleep(4000)

    lines = rows(run, width)

    assert 3 == len(lines)
    assert all(len(line) <= width for line in lines)


def test_a_row_shows_what_is_made_now() -> None:
    """The resource, how many are done, and since when."""
    clock = FakeClock()
    run = RunProgress(clock.now)
    for event in CREATING:
        run.note(event)
    clock.sleep(65)

    [line] = rows(run, 70)

    assert line == f"crd-x-network  creating      {'Vpc':24}  1/2  1 min 05 s"


def test_a_row_shows_a_rollback() -> None:
    """Counts of what is done mean nothing then."""
    run = RunProgress(FakeClock().now)
    for event in [*CREATING, progress("network", NETWORK, "ROLLBACK_IN_PROGRESS")]:
        run.note(event)

    [line] = rows(run, 60)

    assert line.startswith("crd-x-network  rolling back")
    assert "1/2" not in line
