"""`./inv build`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from deployer.artifacts import interpreters
from tests.deployer.artifacts.checkout import ARM

ROOT = Path(__file__).parents[3]


def invoke(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "invoke", "build", "--env=dev", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_one_function() -> None:
    """The first run prints what it built, with sizes and keys; the second one uses the cache."""
    invoke("--name=upload_url")

    done = invoke("--name=upload_url")

    pattern = (
        r"upload_url +python3\.\d+ on arm64 +0\.\d\d MB, +0\.\d\d MB unzipped  cached     (\S+)"
    )
    line, *unchecked = done.stdout.splitlines()
    summary = re.fullmatch(pattern, line)
    assert summary, done
    assert (ROOT / "dist" / summary[1]).exists()
    expected = (
        [] if interpreters.find(ARM) else ["not checked: upload_url: the handler was not imported"]
    )
    assert expected == [fact.rpartition(":")[0] for fact in unchecked]


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("--name=thumbnails", "error: --name=thumbnails: unknown\nhint: one of: authorizer, "),
        (
            "--jobs=-1",
            "error: --jobs=-1: nothing would be built\nhint: pass a number of at least 1",
        ),
    ],
)
def test_refused(argument: str, words: str) -> None:
    """Invalid arguments are refused with an error and a hint."""
    done = invoke(argument)

    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
