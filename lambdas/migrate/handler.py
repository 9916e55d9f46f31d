"""Migrate the schema of the database from inside its network.

Event: one of
    {"do": "migrate"}                Apply all pending migrations, in order.
    {"do": "rollback", "steps": 1}   Roll back the last *steps* applied migrations, by default one.
                                     With "expected": [names], only if these are the last ones.
    {"do": "status"}                 List the migrations by state: see `plan.status`.
    {"do": "seed"}                   Add users and posts for development.
    {"do": "bootstrap", "username": …, "password": …}
                                     Create the database users, as the master user.
Result: the names of the migrations or users, such as {"applied": ["0001_users"]}.
Permissions: rds-db:connect as the migrator, and writing its own log.
Limits: 5 minutes for all files and 4 minutes for one. Only one run at a time. A file is applied
completely or not at all.

The error of a failure names the file. The password of the master user is not stored. No result,
error or log line contains the password or a row of a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from migrate import files, runner, script, users
from migrate.time_limit import TimeLimit
from shared.log import log

DATABASE = Path(__file__).parent.parent / "backend" / "db"  # In the zip; see include.txt.


class InvalidEventError(Exception):
    """The event is not one of those that the docstring of this module lists."""


def handler(event: Mapping[str, Any], context: object) -> dict[str, list[str]]:
    """Handle an event of one of the `db.*` tasks."""
    limit = TimeLimit.from_context(context)
    match event:
        case {"do": "migrate"}:
            result = runner.migrate(_folder(), limit)
        case {"do": "rollback", **parameters}:
            result = _roll_back(limit, parameters.get("steps", 1), parameters.get("expected"))
        case {"do": "status"}:
            result = runner.status(_folder())
        case {"do": "seed"}:
            result = _seed(limit)
        case {"do": "bootstrap", "username": str(master), "password": str(password)}:
            result = users.create(master, password)
        case _:
            raise InvalidEventError(
                "do: must be migrate, rollback, status, seed or bootstrap, with its parameters"
            )
    log("done", do=event["do"], **{key: " ".join(names) for key, names in result.items()})
    return result


def _folder() -> files.Folder:
    return files.read(DATABASE / "migrations")


def _roll_back(limit: TimeLimit, steps: object, expected: object) -> dict[str, list[str]]:
    if type(steps) is not int or steps < 1:
        raise InvalidEventError("steps: must be an integer of at least 1")
    match expected:
        case None:
            names = None
        case [*names] if all(isinstance(name, str) for name in names):
            pass
        case _:
            raise InvalidEventError("expected: must be a list of names")
    return runner.roll_back(_folder(), limit, steps, names)


def _seed(limit: TimeLimit) -> dict[str, list[str]]:
    file = DATABASE / "seed.sql"
    runner.run(script.parse(file.name, file.read_bytes()), limit)
    return {"seeded": [file.stem]}
