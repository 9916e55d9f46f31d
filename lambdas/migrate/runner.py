"""Apply and roll back migrations, each on a new connection.

The file and the change of its row in the journal are one transaction.

PostgreSQL receives a whole file as a string, which a DO block executes. In a DO block PostgreSQL
refuses transaction control such as COMMIT, and returns no rows. Settings, temporary tables and
locks of a file end with its connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from migrate import journal, leftovers, lock, plan
from migrate.errors import MigrationError, describe
from migrate.files import Folder, Migration
from migrate.script import Script
from migrate.time_limit import TimeLimit
from shared import database
from shared.log import log

# lock_timeout: an ALTER TABLE waits for running queries, and all later queries wait for it.
SETTINGS = {
    "search_path": "public",
    "standard_conforming_strings": "on",
    "client_encoding": "UTF8",
    "lock_timeout": "10s",
    "client_connection_check_interval": "2s",  # Stop a statement if the function has ended.
}

_SET_FILE = "SELECT pg_catalog.set_config('migrate.file', %s, %s)"
_EXECUTE_FILE = "DO $$BEGIN EXECUTE pg_catalog.current_setting('migrate.file'); END$$"
# The SQLSTATE of an error that stops the file before its first statement, but after PostgreSQL has
# parsed all of it.
_PARSED = "MG000"
_RAISE = f"DO 'BEGIN RAISE SQLSTATE ''{_PARSED}''; END';"


def status(folder: Folder) -> dict[str, list[str]]:
    """Return the names of the migrations by state, without changing anything; see plan.status."""
    plan.raise_if_any(folder.errors)
    with database.connect() as connection:
        return plan.status(folder, journal.rows(connection))


def migrate(folder: Folder, limit: TimeLimit) -> dict[str, list[str]]:
    """Apply pending migrations; those applied before an error stay applied."""
    with lock.acquire() as holder:
        pending = plan.pending(folder, journal.rows(holder))
        plan.raise_if_any([*pending.errors, *_syntax_errors(pending)])
        if pending.migrations:
            journal.create(holder)
        for migration in pending.migrations:
            _apply(holder, migration, limit)
            log("apply", file=migration.forward.file)
    warnings = {"out_of_order": list(pending.out_of_order)} if pending.out_of_order else {}
    return {"applied": [migration.name for migration in pending.migrations]} | warnings


def roll_back(
    folder: Folder, limit: TimeLimit, steps: int, expected: list[str] | None
) -> dict[str, list[str]]:
    """Roll back the last *steps* migrations of the journal, if they are the *expected* ones."""
    with lock.acquire() as holder:
        rollbacks = plan.last_applied(folder, journal.rows(holder), steps, expected)
        for migration, script in rollbacks:
            _roll_back(holder, migration, script, limit)
            log("rollback", file=script.file)
    return {"rolled_back": [migration.name for migration, _ in rollbacks]}


def run(script: Script, limit: TimeLimit) -> None:
    """Run a script that is not a migration, in one transaction."""
    plan.raise_if_any(plan.script_errors(script))
    with _connection(script, limit) as connection:
        _in_transaction(connection, script, lambda: None)


def _apply(holder: Connection[TupleRow], migration: Migration, limit: TimeLimit) -> None:
    name, script = migration.name, migration.forward
    lock.check(holder)
    with _connection(script, limit) as connection:
        if script.transactional:
            _in_transaction(connection, script, lambda: journal.add(connection, name, script))
            return
        journal.add(holder, name, script, "applying")
        _outside_transaction(connection, script, failed=lambda: journal.remove(holder, name))
        with lock.lock_lost_errors():
            journal.change(holder, name, "applied")


def _roll_back(
    holder: Connection[TupleRow], migration: Migration, script: Script, limit: TimeLimit
) -> None:
    name = migration.name
    lock.check(holder)
    with _connection(script, limit) as connection:
        if script.transactional:
            _in_transaction(connection, script, lambda: journal.remove(connection, name))
            return
        journal.change(holder, name, "rolling back")
        _outside_transaction(
            connection, script, failed=lambda: journal.change(holder, name, "applied")
        )
        with lock.lock_lost_errors():
            journal.remove(holder, name)


def _in_transaction(
    connection: Connection[TupleRow], script: Script, record: Callable[[], None]
) -> None:
    """Record the script and execute it, both or neither.

    The record comes first, so that no setting of the script can affect it. A script that changes
    the journal, for example by dropping all tables, is rolled back.
    """
    try:
        connection.execute("BEGIN")
        record()
        recorded = journal.rows(connection)
        connection.execute(_SET_FILE, [script.text, True])
        connection.execute(_EXECUTE_FILE)
        connection.execute("RESET ROLE")
        remaining = journal.rows(connection)
    except psycopg.Error as error:
        raise MigrationError(describe(script, error)) from None
    if remaining != recorded:
        raise MigrationError(
            f"{script.file}: changes {journal.TABLE}, the journal of migrations:"
            " name the tables to drop or empty"
        )
    _commit(connection, script)


def _commit(connection: Connection[TupleRow], script: Script) -> None:
    try:
        status = connection.execute("COMMIT").statusmessage
    except psycopg.Error as error:
        message = describe(script, error)
        if connection.closed:
            message += " during COMMIT: run ./inv db.status to see whether the file was applied"
        raise MigrationError(message) from None
    if status != "COMMIT":
        raise MigrationError(f"{script.file}: PostgreSQL responded to COMMIT with {status}")


def _outside_transaction(
    connection: Connection[TupleRow], script: Script, *, failed: Callable[[], None]
) -> None:
    """Execute the only statement of a script outside a transaction.

    If the statement fails, call *failed* and raise MigrationError. If it is unknown whether the
    statement took effect, only raise. With binary=True psycopg uses the extended query protocol, which
    accepts only one statement.
    """
    before = leftovers.find(connection)
    errors = []
    try:
        connection.execute(script.text, binary=True)
    except psycopg.Error as error:
        errors.append(describe(script, error))
        if connection.closed:
            raise MigrationError(
                f"{errors[0]}: run ./inv db.migrate again: it reports what to do"
            ) from None
    remaining = leftovers.of_statement(script.names, before, leftovers.find(connection))
    errors += [f"{script.file}: {leftover}" for leftover in remaining]
    if errors:
        with lock.lock_lost_errors():
            failed()
        raise MigrationError("\n".join(errors))


def _syntax_errors(pending: plan.Pending) -> Iterator[str]:
    """Yield the syntax errors that PostgreSQL reports. It parses the scripts, but executes none."""
    scripts = [script for migration in pending.migrations for script in migration.scripts]
    valid = [script for script in scripts if not script.errors]
    if not valid:
        return
    with database.connect(**SETTINGS) as connection:
        for script in valid:
            connection.execute(_SET_FILE, [_RAISE + script.text, False])
            try:
                connection.execute(_EXECUTE_FILE)
            except psycopg.Error as error:
                if error.sqlstate != _PARSED:
                    yield describe(script, error, before=_RAISE)


@contextmanager
def _connection(script: Script, limit: TimeLimit) -> Iterator[Connection[TupleRow]]:
    """Open a new connection for *script*, whose statements may take as long as *limit* allows.

    Raises MigrationError if no time is left, or the database cannot be reached.
    """
    seconds = limit.file_seconds()
    if seconds <= 0:
        raise MigrationError(
            f"{script.file}: was not started: the function has no time left; run it again"
        )
    try:
        connection = database.connect(**SETTINGS, statement_timeout=f"{seconds}s")
    except psycopg.OperationalError:
        raise MigrationError(
            f"{script.file}: was not started: cannot connect to the database; run it again"
        ) from None
    with closing(connection):
        yield connection
