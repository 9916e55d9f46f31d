"""Decide which migrations to apply or roll back, from the files and the journal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from migrate.errors import MigrationError
from migrate.files import Folder, Migration
from migrate.script import JOURNAL, Script

State = Literal["applied", "applying", "rolling back"]
_NOTHING_CHANGED = "nothing was changed"


@dataclass(frozen=True)
class Row:
    """A row of the journal; the rows are in the order in which the migrations were applied."""

    name: str
    checksum: str
    state: State


@dataclass(frozen=True)
class Pending:
    """The migrations to apply, in order, and every error known without a database."""

    migrations: tuple[Migration, ...]
    out_of_order: tuple[str, ...]
    errors: tuple[str, ...]


def status(folder: Folder, rows: Sequence[Row]) -> dict[str, list[str]]:
    """Return the names by state; applied ones in the order in which they were applied."""
    files = {migration.name for migration in folder.migrations}
    known = {row.name for row in rows}
    return {
        "applied": [row.name for row in rows if row.state == "applied" and row.name in files],
        "pending": [item.name for item in folder.migrations if item.name not in known],
        "missing": [row.name for row in rows if row.name not in files],
        "changed": [migration.name for migration in _changed(folder, rows)],
        "interrupted": [row.name for row in rows if row.state != "applied"],
    }


def pending(folder: Folder, rows: Sequence[Row]) -> Pending:
    """Return the migrations to apply, with all errors.

    If there is nothing to apply, the missing file of an applied migration is not an error.
    """
    known = {row.name for row in rows}
    to_apply = tuple(item for item in folder.migrations if item.name not in known)
    errors = [*folder.errors, *_row_errors(folder, rows, report_missing=bool(to_apply))]
    for migration in to_apply:
        for script in migration.scripts:
            errors += script_errors(script)
    last = max(known, default="")
    out_of_order = tuple(migration.name for migration in to_apply if migration.name < last)
    return Pending(to_apply, out_of_order, tuple(errors))


def last_applied(
    folder: Folder, rows: Sequence[Row], steps: int, expected: Sequence[str] | None = None
) -> list[tuple[Migration, Script]]:
    """Return the last *steps* migrations in the journal, the last one first, with their rollbacks.

    Raises MigrationError with all errors, or if the migrations are not the *expected* ones.
    """
    names = [row.name for row in reversed(rows)][:steps]
    by_name = {migration.name: migration for migration in folder.migrations}
    errors = [*folder.errors, *_row_errors(folder, rows, report_missing=True)]
    rollbacks: list[tuple[Migration, Script]] = []
    for name in names:
        migration = by_name.get(name)
        if migration and migration.rollback:
            errors += script_errors(migration.rollback)
            rollbacks.append((migration, migration.rollback))
        elif migration:
            errors.append(f"{name}.rollback.sql: is missing, so {name} cannot be rolled back")
    raise_if_any(errors)
    if expected is not None and names != list(expected):
        raise MigrationError(
            f"the last applied migrations are {', '.join(names) or 'none'},"
            f" not {', '.join(expected) or 'none'}: {_NOTHING_CHANGED}"
        )
    return rollbacks


def raise_if_any(errors: Iterable[str]) -> None:
    """Raise MigrationError if there is any error."""
    if messages := list(errors):
        raise MigrationError("\n".join([*messages, _NOTHING_CHANGED]))


def _changed(folder: Folder, rows: Sequence[Row]) -> list[Migration]:
    checksums = {row.name: row.checksum for row in rows}
    return [
        migration
        for migration in folder.migrations
        if migration.name in checksums and migration.forward.checksum != checksums[migration.name]
    ]


def _row_errors(folder: Folder, rows: Sequence[Row], *, report_missing: bool) -> Iterator[str]:
    """Yield the differences between the files and the journal, with the missing files if requested."""
    state = status(folder, rows)
    for name in state["changed"]:
        yield (
            f"{name}.sql: was changed after it was applied: restore it,"
            " and put the change into a new migration"
        )
    for name in state["missing"] if report_missing else []:
        yield f"{name}.sql: is missing, but was applied: restore it"
    for row in rows:
        if row.state != "applied":
            yield _interrupted(row)


def _interrupted(row: Row) -> str:
    """Return the error, with the statement to run if the script took effect, and if it did not."""
    set_applied = f"UPDATE public.{JOURNAL} SET state = 'applied' WHERE name = '{row.name}'"  # noqa: S608
    delete_row = f"DELETE FROM public.{JOURNAL} WHERE name = '{row.name}'"  # noqa: S608
    if row.state == "applying":
        file, if_applied, if_not = f"{row.name}.sql", set_applied, delete_row
    else:
        file, if_applied, if_not = f"{row.name}.rollback.sql", delete_row, set_applied
    return (
        f"{file}: the run that sent it was interrupted, and the file is not run in a transaction:"
        " check with ./inv db.connect --user=migrator whether its statement took effect;"
        f" if so, run there: {if_applied}; if not: {if_not};"
    )


def script_errors(script: Script) -> list[str]:
    """Return the errors of *script*, each with the name of the file."""
    return [f"{script.file}: {error}" for error in script.errors]
