"""The migrations of a folder, and those of them that a database has: yoyo keeps a row for each.

Of yoyo we use how it reads files and keeps rows. It would apply a file in one transaction and add
its row in another, and keep its lock in a table, where it stays when a function is ended: here
file and row are one transaction, and the lock is the connection's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Self

import psycopg
from yoyo.backends.core.postgresql import (  # type: ignore[import-untyped]  # and so all of yoyo
    PostgresqlPsycopgBackend,
)
from yoyo.connections import parse_uri  # type: ignore[import-untyped]
from yoyo.migrations import (  # type: ignore[import-untyped]
    Migration,
    MigrationList,
    read_migrations,
)

from shared import database
from shared.log import log

_LOCK = 2_026_112_001  # Any number, as long as it is always the same.
_TABLE = "_yoyo_migration"
_LOOK_AGAIN_SECONDS = 0.2
LOCK_SECONDS = 60

# A change of a table waits for those who use it, and meanwhile everyone waits behind it.
_PATIENCE = {"lock_timeout": "10s", "statement_timeout": "4min"}


class MigrationError(Exception):
    """Nothing of the file it names was done; what came before it was, and is kept."""

    @classmethod
    def of(cls, file: str, error: psycopg.DatabaseError) -> Self:
        """What PostgreSQL says of *file*, without what may quote a row.

        That is the detail, and all that is said of data which do not fit (class 22 of its codes).
        """
        said = error.diag.message_primary
        if not said or (error.sqlstate or "").startswith("22"):
            said = type(error).__name__
        return cls(f"{file}: {said}")


class Journal(PostgresqlPsycopgBackend):  # type: ignore[misc]  # yoyo has no types
    """The rows, and the connection that changes them and the schema."""

    files: MigrationList

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Connect; *folder* has the migrations in a folder of that name."""
        journal = cls(parse_uri("postgresql+psycopg://"), _TABLE)
        journal.files = read_migrations(str(folder / "migrations"))
        return journal

    def connect(self, _: object) -> psycopg.Connection[Any]:
        """Ours, which needs no URI: a password in one would find its way into a message."""
        return database.connect(**_PATIENCE)

    @contextmanager
    def lock(self, _: float = 0) -> Iterator[None]:
        """Be the only one. PostgreSQL knows when the connection that has the lock is gone.

        We ask again and again: for who waits inside PostgreSQL, CREATE INDEX CONCURRENTLY of the
        other waits in turn.
        """
        deadline = time.monotonic() + LOCK_SECONDS
        while not self._is(f"pg_try_advisory_lock({_LOCK})"):
            if time.monotonic() > deadline:
                raise MigrationError("nothing was done: another migration runs")
            time.sleep(_LOOK_AGAIN_SECONDS)
        try:
            yield
        finally:
            self._is(f"pg_advisory_unlock({_LOCK})")

    def status(self) -> dict[str, list[str]]:
        """The names of what is applied, what is pending, and what was applied but has no file."""
        names = [file.id for file in self.files]
        applied = self._applied()
        return {
            "applied": [name for name in names if name in applied],
            "pending": [name for name in names if name not in applied],
            "lost": sorted(applied - set(names)),
        }

    def apply_pending(self) -> Iterator[str]:
        """Apply what is pending, in order of the names, and yield the name of each."""
        pending = list(self.to_apply(self.files))
        if pending:
            self._refuse_lost()
        for file in pending:
            self._step(file, "apply")
            yield file.id

    def roll_back(self, steps: int) -> Iterator[str]:
        """Take back the last *steps* of those that are applied, and yield the name of each."""
        self._refuse_lost()
        last = list(self.to_rollback(self.files))[:steps]
        for file in last:
            if not Path(file.path).with_suffix(".rollback.sql").exists():
                raise MigrationError(f"{file.id}: there is no {file.id}.rollback.sql")
        for file in last:
            self._step(file, "rollback")
            yield file.id

    def _step(self, file: Migration, direction: str) -> None:
        """One file and its row. `-- transactional: false` is for what PostgreSQL cannot undo."""
        note = {"apply": self.mark_one, "rollback": self.unmark_one}[direction]
        file.load()
        whole: AbstractContextManager[object]
        whole = self.transaction() if file.use_transactions else nullcontext()
        try:
            with whole:
                file.process_steps(self, direction)
                note(file, log=False)
        except psycopg.DatabaseError as error:
            raise MigrationError.of(file.id, error) from None
        log(direction, file=file.id)

    def _is(self, question: str) -> bool:
        [answer] = self.execute(f"SELECT {question}").fetchone()
        return bool(answer)

    def _applied(self) -> set[str]:
        self.ensure_internal_schema_updated()
        found = self.execute(f"SELECT migration_id FROM {_TABLE}")  # noqa: S608  # our own name
        return {name for (name,) in found}

    def _refuse_lost(self) -> None:
        """What was applied without a file we have is of another line of work: not ours to change."""
        if lost := self.status()["lost"]:
            raise MigrationError(f"{lost[0]}: applied, but there is no such file here any more")
