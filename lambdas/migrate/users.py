"""Create the IAM-authenticated database users: the migrator, which owns the tables, and the application.

Both users are members of rds_iam, and every direct or indirect member of rds_iam must use IAM
authentication. The master user has a password, so it must not become a member of either user's role.
That membership would be needed to change the owner of the schema, so the owner is not changed.
"""

from __future__ import annotations

import os
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from shared import database

_LOCK = 2_026_112_002  # An arbitrary number, different from that of other locks.

_GRANTS_OF_EACH_USER = (
    "GRANT rds_iam TO {user}",
    "GRANT CONNECT ON DATABASE {database} TO {user}",
    "GRANT USAGE ON SCHEMA public TO {user}",
)
_SCHEMA_PRIVILEGES = (
    "GRANT CREATE ON SCHEMA public TO {migrator}",
    "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
)


def create(master: str, password: str) -> dict[str, list[str]]:
    """Create the missing users, grant all privileges, and return {"created": [users]}."""
    migrator, application = os.environ["PGUSER"], os.environ["APPLICATION_USER"]
    with (
        database.connect(user=master, password=password, lock_timeout="10s") as connection,
        connection.transaction(),
    ):
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        created = [user for user in (migrator, application) if _create_missing(connection, user)]
        _grant(connection, migrator, application)
    return {"created": created}


def _create_missing(connection: psycopg.Connection[TupleRow], user: str) -> bool:
    existing = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [user]).fetchone()
    if existing is None:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(user)))
    return existing is None


def _grant(connection: psycopg.Connection[TupleRow], migrator: str, application: str) -> None:
    names = {"database": connection.info.dbname, "migrator": migrator}
    for user in (migrator, application):
        for statement in _GRANTS_OF_EACH_USER:
            connection.execute(_formatted(statement, **names, user=user))
    for statement in _SCHEMA_PRIVILEGES:
        connection.execute(_formatted(statement, **names))


def _formatted(statement: LiteralString, **names: str) -> sql.Composed:
    return sql.SQL(statement).format(**{key: sql.Identifier(name) for key, name in names.items()})
