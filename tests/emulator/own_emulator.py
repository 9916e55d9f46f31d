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


def wait_until(condition: Any, *, seconds: float = 60) -> None:
    """Wait until *condition* returns a true value."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def start_slowly(aws: Aws, **bodies: dict[str, Any]) -> None:
    """Start an operation on each stack, and return when its first resource is complete.

    The other resources are delayed by ten minutes.
    """
    execute_slowly(
        aws,
        {
            stack: aws.create_change_set(stack, body, ChangeSetName="slow")
            for stack, body in bodies.items()
        },
    )


def execute_slowly(aws: Aws, change_sets: dict[str, str]) -> None:
    """Execute the change set of each stack, and return when its first resource is complete."""
    emulator.set_resource_delay(aws.endpoint, 1)
    before = {stack: len(aws.events(stack)) for stack in change_sets}
    for change_set in change_sets.values():
        aws.cfn.execute_change_set(ChangeSetName=change_set)
    for stack, events in before.items():
        wait_until(lambda: any(e[1].endswith("_COMPLETE") for e in aws.events(stack)[events:]))  # noqa: B023  Called in the loop.
    emulator.set_resource_delay(aws.endpoint, 600)
