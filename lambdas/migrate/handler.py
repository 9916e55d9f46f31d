"""Migrate the schema of the database from inside its network.

event   {"do": "migrate"}                apply every file that is not applied, in order
        {"do": "rollback", "steps": 1}   roll back the last applied migration, or the last *steps*;
                                         with "expected": [names], only if they are these
        {"do": "status"}                 list the applied, pending, missing, changed and interrupted
        {"do": "seed"}                   add users and posts for development
        {"do": "bootstrap", "username": …, "password": …}   create the users, as the master user
result  the names of the migrations or users, such as {"applied": ["0001_users"]}
permissions  rds-db:connect as the migrator, and writing its log
limits  5 minutes for all files and 4 for one; a file is applied completely or not at all; only one
        run at a time

A failure is raised and names the file. The master's password is not stored: neither it nor a row
is in a result, an error or the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from migrate import files, runner, script, users
from migrate.clock import Clock
from shared.log import log

DATABASE = Path(__file__).parent.parent / "backend" / "db"  # In the zip; see include.txt.


class UnknownTaskError(Exception):
    """The event is not one of those above."""


def handler(event: Mapping[str, Any], context: object) -> dict[str, list[str]]:
    """Handle an event of one of the `db.*` tasks."""
    clock = Clock.from_context(context)
    match event:
        case {"do": "migrate"}:
            result = runner.migrate(_folder(), clock)
        case {"do": "rollback", **how}:
            result = _roll_back(clock, how.get("steps", 1), how.get("expected"))
        case {"do": "status"}:
            result = runner.status(_folder())
        case {"do": "seed"}:
            result = _seed(clock)
        case {"do": "bootstrap", "username": str(master), "password": str(password)}:
            result = users.create(master, password)
        case _:
            raise UnknownTaskError("the event is not one of those that the module documents")
    log("done", do=event["do"], **{key: " ".join(names) for key, names in result.items()})
    return result


def _folder() -> files.Folder:
    return files.read(DATABASE / "migrations")


def _roll_back(clock: Clock, steps: object, expected: object) -> dict[str, list[str]]:
    if type(steps) is not int or steps < 1:
        raise UnknownTaskError("steps must be an integer of at least 1")
    match expected:
        case None:
            names = None
        case [*names] if all(isinstance(name, str) for name in names):
            pass
        case _:
            raise UnknownTaskError("expected must be a list of names")
    return runner.roll_back(_folder(), clock, steps, names)


def _seed(clock: Clock) -> dict[str, list[str]]:
    file = DATABASE / "seed.sql"
    runner.run(script.parse(file.name, file.read_bytes()), clock)
    return {"seeded": [file.stem]}
