"""Libraries never log at DEBUG, which would include signatures, tokens and personal data."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from shared.loggers import LIBRARIES

LAMBDAS = Path(__file__).parents[3] / "lambdas"
FUNCTIONS = sorted(file.parent.name for file in LAMBDAS.glob("*/handler.py"))

# Prints the loggers of libraries that are enabled for DEBUG after a function is imported.
PRINT_DEBUG_LOGGERS = """
import importlib, json, logging, sys
logging.basicConfig(level=logging.DEBUG)
importlib.import_module(f"{sys.argv[1]}.handler")
names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in sys.argv[2:]]
print(json.dumps([name for name in names if logging.getLogger(name).isEnabledFor(logging.DEBUG)]))
"""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_libraries_do_not_log_at_debug(function: str) -> None:
    """As soon as a function is imported, no library that it imports logs at DEBUG."""
    process = subprocess.run(
        [sys.executable, "-c", PRINT_DEBUG_LOGGERS, function, *LIBRARIES],
        cwd=LAMBDAS,
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(process.stdout) == []
    assert process.stderr == ""


def test_every_library_that_logs_is_listed() -> None:
    """Every library that a function imports and that has a logger is in LIBRARIES."""
    import_handler = (
        "import importlib, logging, sys; importlib.import_module(f'{sys.argv[1]}.handler')"
    )
    print_loggers = "; print(*{name.split('.')[0] for name in logging.root.manager.loggerDict})"
    found = {
        name
        for function in FUNCTIONS
        for name in subprocess.run(
            [sys.executable, "-c", import_handler + print_loggers, function],
            cwd=LAMBDAS,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
    }

    harmless = {"concurrent", "asyncio", "bcdocs"}
    assert found - harmless <= {*LIBRARIES}


def test_libraries_log_warnings() -> None:
    """Libraries still log warnings."""
    assert all(logging.getLogger(name).isEnabledFor(logging.WARNING) for name in LIBRARIES)
