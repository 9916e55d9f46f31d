"""The migrate function in a process of its own, which is killed before one of its statements."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import psycopg

from migrate import handler


def call_and_kill(
    environment: dict[str, str], folder: Path, event: dict[str, Any], step: int
) -> None:
    """Call the function in this process, and kill the process before its statement *step*."""
    os.environ.update(environment)
    handler.DATABASE = folder
    execute, done = psycopg.Connection.execute, 0

    def counted(*given: Any, **named: Any) -> Any:
        nonlocal done
        done += 1
        if done == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(*given, **named)

    psycopg.Connection.execute = counted
    handler.handler(event, None)
