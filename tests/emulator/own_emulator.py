"""An emulator for one test, which the test may kill."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import emulator
from tests.emulator_server import Aws


class OwnEmulator:
    """An emulator for one test, which may be killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.aws = Aws(emulator.start(folder))

    def kill(self) -> None:
        """Kill the server with SIGKILL, and wait until it has ended."""
        pid = emulator.status(self.folder).pid
        os.kill(pid or 0, signal.SIGKILL)
        while emulator.running(self.folder):
            time.sleep(0.01)

    def restart(self) -> Aws:
        """Start the server again with its saved state."""
        self.aws = Aws(emulator.start(self.folder))
        return self.aws


def wait_until(condition: Any, *, seconds: float = 10) -> None:
    """Wait until *condition* returns a true value."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def start_slowly(aws: Aws, stack: str, body: dict[str, Any]) -> None:
    """Start an operation on *stack*, and return when its first resource is complete."""
    execute_slowly(aws, stack, aws.create_change_set(stack, body, ChangeSetName="slow"))


def execute_slowly(aws: Aws, stack: str, change_set: str) -> None:
    """Execute a change set, and return when its first resource is complete."""
    emulator.set_resource_delay(aws.endpoint, 0.5)
    before = len(aws.events(stack))
    aws.cfn.execute_change_set(ChangeSetName=change_set)
    wait_until(lambda: any(e[1].endswith("_COMPLETE") for e in aws.events(stack)[before:]))
