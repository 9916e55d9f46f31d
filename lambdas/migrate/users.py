"""Makes the two users who come with a token: one who owns the tables, one who uses what is in them.

The master is granted neither, as it would have to be to make the migrator the schema's owner: RDS
takes a member of rds_iam, however far away, for one who has a token, and the master has a password.
"""

from __future__ import annotations

import os
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from shared import database

_LOCK = 2_026_112_002  # Any number but that of another lock.

_EACH = (
    "GRANT rds_iam TO {user}",
    "GRANT CONNECT ON DATABASE {database} TO {user}",
    "GRANT USAGE ON SCHEMA public TO {user}",
)
_AND = (
    "GRANT CREATE ON SCHEMA public TO {migrator}",
    "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
)


def make(master: str, password: str) -> dict[str, list[str]]:
    """Make those who are not there, give all what they need, and say who was made."""
    migrator, application = os.environ["PGUSER"], os.environ["APPLICATION_USER"]
    with (
        database.connect(user=master, password=password, lock_timeout="10s") as connection,
        connection.transaction(),
    ):
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        made = [user for user in (migrator, application) if _made(connection, user)]
        _grant(connection, migrator, application)
    return {"made": made}


def _made(connection: psycopg.Connection[TupleRow], user: str) -> bool:
    known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [user]).fetchone()
    if known is None:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(user)))
    return known is None


def _grant(connection: psycopg.Connection[TupleRow], migrator: str, application: str) -> None:
    names = {"database": connection.info.dbname, "migrator": migrator}
    for user in (migrator, application):
        for statement in _EACH:
            connection.execute(_with(statement, **names, user=user))
    for statement in _AND:
        connection.execute(_with(statement, **names))


def _with(statement: LiteralString, **names: str) -> sql.Composed:
    return sql.SQL(statement).format(**{key: sql.Identifier(name) for key, name in names.items()})
