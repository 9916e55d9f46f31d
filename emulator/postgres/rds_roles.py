"""What a new database of RDS has: its roles, its master user and the database that was asked for.

Documented in the RDS user guide, "Understanding PostgreSQL roles and permissions"; what
`rds_superuser` may in detail is AWS's own, here it is what plain PostgreSQL can grant.
"""

from __future__ import annotations

from collections.abc import Iterator

_ROLES = ("rds_superuser", "rds_iam", "rds_password", "rds_replication")
_OF_SUPERUSER = ("rds_iam", "rds_password", "rds_replication", "pg_monitor", "pg_signal_backend")


def statements(master: str, password: str, database: str) -> Iterator[str]:
    """Yield the SQL that makes a fresh PostgreSQL one of RDS; no *database*: only `postgres`."""
    for role in _ROLES:
        yield f"CREATE ROLE {role} NOLOGIN"
    for role in _OF_SUPERUSER:
        yield f"GRANT {role} TO rds_superuser WITH ADMIN OPTION"
    user = name(master)
    yield f"CREATE ROLE {user} LOGIN CREATEROLE CREATEDB PASSWORD {text(password)}"
    yield f"GRANT rds_superuser TO {user}"
    yield f"ALTER DATABASE postgres OWNER TO {user}"
    if database and database != "postgres":
        yield f"CREATE DATABASE {name(database)} OWNER {user}"


def new_password(master: str, password: str) -> str:
    """Return the SQL that gives the master user another password."""
    return f"ALTER ROLE {name(master)} PASSWORD {text(password)}"


def name(one: str) -> str:
    """Return *one* as a name in SQL."""
    quoted = one.replace('"', '""')
    return f'"{quoted}"'


def text(value: str) -> str:
    """Return *value* as a string in SQL, with standard_conforming_strings as it is by default."""
    quoted = value.replace("'", "''")
    return f"'{quoted}'"
