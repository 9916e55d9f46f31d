"""Lock files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from emulator import locks

HOLD = """
import sys
from pathlib import Path
from emulator import locks
file = locks.acquire(Path(sys.argv[1]))
print("held" if file else "refused", flush=True)
sys.stdin.read()
"""


def test_lock_of_another_process(tmp_path: Path) -> None:
    """A lock is held until its process ends, also if the process is killed."""
    path = tmp_path / "lock"
    assert not locks.is_locked(path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"

        assert locks.is_locked(path)
        assert locks.acquire(path) is None

        process.kill()
    assert not locks.is_locked(path)


def test_lock_is_released(tmp_path: Path) -> None:
    """A lock is released when its file is closed, and at the end of `locked`."""
    path = tmp_path / "lock"
    file = locks.acquire(path)
    assert file
    file.close()

    with locks.locked(path):
        assert locks.is_locked(path)

    assert not locks.is_locked(path)
