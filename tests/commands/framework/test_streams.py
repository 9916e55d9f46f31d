"""Whatever becomes of the output, a task ends without a traceback, with the usual exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from invoke.exceptions import Exit

from commands.framework import streams

ROOT = Path(__file__).parents[3]
COMMANDS = ["graph --env=dev", "--list", "--help deploy", "plan --env=nowhere", "depoly"]
PRINTING = """
import sys
from commands.framework import streams
streams.fill()
print("\u2026 \xe4")
print("\u4e2d", file=sys.stderr)
"""
TO_ERROR = {"plan --env=nowhere", "depoly"}


def run(command: str, redirected: str, *, unbuffered: str = "") -> tuple[int, str, str]:
    """Exit code, output and errors of an invoke *command*, *redirected* by a shell."""
    invoke = f"{sys.executable} -m invoke {command}"
    done = subprocess.run(
        ["bash", "-c", f"({invoke} {redirected}; exit ${{PIPESTATUS[0]}})"],
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_reader_that_ends(command: str, unbuffered: str) -> None:
    """Nothing is said, and the code is that of a program which SIGPIPE ended."""
    pipe = "2> >(exec true)" if command in TO_ERROR else "| exec true"

    assert (141, "", "") == run(command, pipe, unbuffered=unbuffered)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk(command: str, unbuffered: str) -> None:
    """It is told in a line where there still is one to tell it on."""
    to_error = command in TO_ERROR

    code, out, errors = run(
        command, "2> /dev/full" if to_error else "> /dev/full", unbuffered=unbuffered
    )

    told = "" if to_error else "error: cannot write: No space left on device\n"
    assert (1, "", told) == (code, out, errors)


@pytest.mark.parametrize(
    ("command", "closed", "expected"),
    [
        ("graph --env=dev", ">&-", (0, False, False)),
        ("graph --env=dev", "2>&-", (0, True, False)),
        ("graph --env=dev", "<&- >&- 2>&-", (0, False, False)),
        ("plan --env=nowhere", "2>&-", (1, False, False)),
        ("depoly", "2>&-", (1, False, False)),
        ("depoly", "<&- >&-", (1, False, True)),
    ],
)
def test_closed_streams(command: str, closed: str, expected: tuple[int, bool, bool]) -> None:
    """The task does its work; no error is printed to the output instead."""
    code, out, errors = run(command, closed)

    assert expected == (code, bool(out), bool(errors))


def test_an_encoding_that_lacks_a_character() -> None:
    """It is printed as an escape; the task goes on."""
    done = subprocess.run(
        [sys.executable, "-c", PRINTING],
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "\\u2026 \\xe4\n", "\\u4e2d\n") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    "error",
    [BrokenPipeError(32, "Broken pipe"), OSError(28, "No space", "a-file"), OSError(2, "None")],
    ids=["of another pipe", "of a file", "of anything else"],
)
def test_another_fault_stays_what_it_is(error: OSError, capfd: pytest.CaptureFixture[str]) -> None:
    """Only standard output and error are looked after here."""
    with pytest.raises(OSError, match=error.strerror) as told, streams.guarded():
        raise error

    assert error is told.value


def test_an_exit_code_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    """A task that ends by itself ends as it says."""
    with pytest.raises(Exit) as ended, streams.guarded():
        raise Exit(code=2)

    assert 2 == ended.value.code
