"""The unit tests of the site, which are next to its modules in frontend/src."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_unit_tests_of_the_site_pass() -> None:
    """Vitest runs at least one test, and all pass."""
    program = "from operations import frontend; frontend.test()"
    completed = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (completed.returncode, completed.stderr) == (0, ""), completed.stdout
    assert " passed" in completed.stdout
