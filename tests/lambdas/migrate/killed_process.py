"""Run the migrate function in a process of its own, and kill it before one of its statements."""

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
    execute, statements = psycopg.Connection.execute, 0

    def execute_or_kill(*arguments: Any, **options: Any) -> Any:
        nonlocal statements
        statements += 1
        if statements == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(*arguments, **options)

    psycopg.Connection.execute = execute_or_kill
    handler.handler(event, None)
