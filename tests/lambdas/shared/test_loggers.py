"""Output of libraries at DEBUG is never logged: signatures, tokens, personal data."""

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

# The names and levels of those loggers that would print anything at DEBUG.
TALKATIVE = """
import importlib, json, logging, sys
logging.basicConfig(level=logging.DEBUG)
importlib.import_module(f"{sys.argv[1]}.handler")
names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in sys.argv[2:]]
print(json.dumps([n for n in names if logging.getLogger(n).isEnabledFor(logging.DEBUG)]))
"""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_libraries_are_quiet_at_debug(function: str) -> None:
    """In each function, as soon as it is loaded, with all that it loads."""
    done = subprocess.run(
        [sys.executable, "-c", TALKATIVE, function, *LIBRARIES],
        cwd=LAMBDAS,
        capture_output=True,
        text=True,
        check=True,
    )

    assert [] == json.loads(done.stdout)
    assert "" == done.stderr


def test_every_library_that_is_used_and_logs_is_on_the_list() -> None:
    """Whatever a function loads."""
    loaded = "import importlib, logging, sys; importlib.import_module(f'{sys.argv[1]}.handler')"
    tell = "; print(*{name.split('.')[0] for name in logging.root.manager.loggerDict})"
    found = {
        name
        for function in FUNCTIONS
        for name in subprocess.run(
            [sys.executable, "-c", loaded + tell, function],
            cwd=LAMBDAS,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
    }

    harmless = {"concurrent", "asyncio", "bcdocs"}
    assert found - harmless <= {*LIBRARIES}


def test_what_they_have_to_say_is_heard() -> None:
    """INFO and above: a warning is worth knowing."""
    assert all(logging.getLogger(name).isEnabledFor(logging.WARNING) for name in LIBRARIES)
