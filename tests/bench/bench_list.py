"""`invoke --list` with all tasks of the project, against an empty tasks.py."""

from __future__ import annotations

import sys

from tests.bench.timing import ROOT, SCRATCH, Row, command, paired


def rows(rounds: int) -> tuple[Row, ...]:
    """Return the row; both sides run `python -m invoke --list`."""
    empty = SCRATCH / "empty"
    empty.mkdir(parents=True, exist_ok=True)
    (empty / "tasks.py").write_text("")
    listing = (sys.executable, "-m", "invoke", "--list")
    peer = command(*listing, cwd=empty, codes=(1,))  # Invoke fails if there are no tasks.
    return (paired("all tasks", command(*listing, cwd=ROOT), peer, rounds=rounds, goal=1.05),)
