"""A task whose output cannot be written ends without a traceback."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from invoke.exceptions import Exit

from commands.framework import streams

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[3]
# "depoly" is a misspelled task.
COMMANDS = ["graph --env=dev", "--list", "--help deploy", "plan --env=nowhere", "depoly"]
PRINT_NON_ASCII = """
import sys
from commands.framework import streams
streams.open_standard_streams()
print("\u2026 \xe4")
print("\u4e2d", file=sys.stderr)
"""
PRINT_TO_STDERR = {"plan --env=nowhere", "depoly"}


def run(command: str, redirected: str, *, unbuffered: str = "") -> tuple[int, str, str]:
    """Run an invoke *command*, *redirected* by a shell; return its exit code, stdout and stderr."""
    invoke = f"{shlex.quote(sys.executable)} -m invoke {command}"
    completed = subprocess.run(
        ["bash", "-c", f"({invoke} {redirected}; exit ${{PIPESTATUS[0]}})"],
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        capture_output=True,
        text=True,
        check=False,
    )
    return completed.returncode, completed.stdout, completed.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_broken_pipe(command: str, unbuffered: str) -> None:
    """If the reader of the output exits, nothing is printed; the exit code is that of SIGPIPE."""
    pipe = "2> >(exec true)" if command in PRINT_TO_STDERR else "| exec true"

    assert run(command, pipe, unbuffered=unbuffered) == (141, "", "")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk(command: str, unbuffered: str) -> None:
    """One line is printed to standard error, unless that cannot be written."""
    to_error = command in PRINT_TO_STDERR

    code, out, errors = run(
        command, "2> /dev/full" if to_error else "> /dev/full", unbuffered=unbuffered
    )

    message = "" if to_error else "error: cannot write: No space left on device\n"
    assert (1, "", message) == (code, out, errors)


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
    """The task runs; its errors are not printed to standard output."""
    code, out, errors = run(command, closed)

    assert expected == (code, bool(out), bool(errors))


def test_unencodable_characters() -> None:
    """A character that the encoding of a stream lacks is printed as an escape sequence."""
    completed = subprocess.run(
        [sys.executable, "-c", PRINT_NON_ASCII],
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (
        completed.returncode,
        completed.stdout,
        completed.stderr,
    ) == (0, "\\u2026 \\xe4\n", "\\u4e2d\n")


@pytest.mark.parametrize(
    "error",
    [BrokenPipeError(32, "Broken pipe"), OSError(28, "No space", "a-file"), OSError(2, "None")],
    ids=["of another pipe", "of a file", "of anything else"],
)
def test_other_errors_are_raised(error: OSError, capfd: pytest.CaptureFixture[str]) -> None:
    """Only errors of standard output and standard error are handled."""
    with pytest.raises(OSError, match=error.strerror) as raised, streams.handle_write_errors():
        raise error

    assert error is raised.value


def test_an_exit_code_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    """The exit code of a task is kept."""
    with pytest.raises(Exit) as raised, streams.handle_write_errors():
        raise Exit(code=2)

    assert raised.value.code == 2
