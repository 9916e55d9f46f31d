"""Works on the schema of the database from inside its network.

event   {"do": "migrate"}                applies every file that is not applied, in order
        {"do": "rollback", "steps": 1}   takes back the last one, or as many as *steps* says
        {"do": "status"}                 says which are applied, pending and lost
        {"do": "seed"}                   adds the people and posts for development
        {"do": "bootstrap", "username": …, "password": …}   makes the users; of the master
result  the names of the files or users, such as {"applied": ["0001_users"]}
may     rds-db:connect as the migrator, and write its log
limits  5 minutes; a file is applied whole or not at all, and by one of us at a time

What fails is raised, and names the file. The master's password is used and forgotten: neither it
nor what a row says is in a result, an error or the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

from migrate import users
from migrate.journal import Journal, MigrationError
from shared import database
from shared.log import log

DATABASE = Path(__file__).parent.parent / "backend" / "db"  # In the zip; see include.txt.


class UnknownTaskError(Exception):
    """The event is none of those above."""


def handler(event: Mapping[str, Any], context: object) -> dict[str, list[str]]:
    """See the module."""
    match event:
        case {"do": "migrate"}:
            result = _migrate()
        case {"do": "rollback", **how}:
            result = _roll_back(how.get("steps", 1))
        case {"do": "status"}:
            with Journal.open(DATABASE) as journal:
                result = journal.status()
        case {"do": "seed"}:
            result = _seed()
        case {"do": "bootstrap", "username": str(master), "password": str(password)}:
            result = users.make(master, password)
        case _:
            raise UnknownTaskError("this function knows the events in its module, and no other")
    log("done", do=event["do"], **{key: " ".join(names) for key, names in result.items()})
    return result


def _migrate() -> dict[str, list[str]]:
    with Journal.open(DATABASE) as journal, journal.lock():
        return {"applied": list(journal.apply_pending())}


def _roll_back(steps: object) -> dict[str, list[str]]:
    if type(steps) is not int or steps < 1:
        raise UnknownTaskError("steps is a number, 1 or more")
    with Journal.open(DATABASE) as journal, journal.lock():
        return {"rolled_back": list(journal.roll_back(steps))}


def _seed() -> dict[str, list[str]]:
    file = DATABASE / "seed.sql"
    try:
        with database.connect() as connection:
            connection.execute(file.read_bytes())  # Sent as one, so it is one transaction.
    except psycopg.DatabaseError as error:
        raise MigrationError.of(file.stem, error) from None
    return {"seeded": [file.stem]}
