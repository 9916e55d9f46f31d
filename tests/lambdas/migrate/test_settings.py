"""The real values of settings that other tests replace."""

from __future__ import annotations

from pathlib import Path

from migrate import handler as migrate
from migrate import lock, runner, time_limit
from tests.lambdas.postgres import ROOT


def test_the_limits() -> None:
    """A file may run for 240 seconds, and 15 seconds are kept to report the result."""
    assert (time_limit.FILE_SECONDS, time_limit.SPARE_SECONDS) == (240, 15)


def test_the_lock_timeout() -> None:
    """A run waits up to 60 seconds for the lock; only tests set a shorter time."""
    assert lock.LOCK_SECONDS == 60


def test_the_lock_timeout_of_tables() -> None:
    """A statement waits up to 10 seconds for a lock on a table; only tests set a shorter time."""
    assert runner.SETTINGS["lock_timeout"] == "10s"


def test_the_zip_has_the_migrations() -> None:
    """The zip has the files of backend/db in the folder that the handler reads."""
    included = Path(ROOT, "lambdas/migrate/include.txt").read_text().split()

    assert [str(Path("backend/db"))] == included
    for name in included:
        assert Path(ROOT, name).is_dir()
    assert Path(ROOT, "lambdas", included[0]) == migrate.DATABASE  # lambdas/ is the root of a zip.
