"""A function's process sees the standard library, its own zip, and boto3 with what that needs."""

from __future__ import annotations

import tempfile
from pathlib import Path

from deployer import runtime
from deployer.embedded import ministack

# The process starts over as soon as it is there, since the emulator cannot be told how to start
# it: without the packages and the checkout that the emulator itself runs with, and with only that
# of its environment which Lambda or the embedded AWS give. The stack's settings come thereafter.
_ALONE = """
import os, sys

if not sys.flags.isolated:
    given = ("AWS_", "LAMBDA_", "_LAMBDA_", "_MINISTACK_", "PG")
    given += ("HOME", "LANG", "PATH", "TMPDIR", "TZ")
    environment = {name: value for name, value in os.environ.items() if name.startswith(given)}
    alone = [sys.executable, "-I", "-S", "-B", os.path.abspath(__file__)]
    os.execve(sys.executable, alone, environment)
sys.path.append(%r)
"""


def close() -> None:
    """Have every worker start alone; what Lambda's Python has lies in the temporary folder."""
    folder = Path(tempfile.gettempdir()) / "runtime"
    runtime.link(folder)
    ministack.start_workers_with(lambda script: _ALONE % str(folder) + script)
