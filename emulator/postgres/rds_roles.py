"""The SQL that gives a new PostgreSQL database the roles and the master user of RDS.

Documented in the RDS user guide, "Understanding PostgreSQL roles and permissions". The exact
privileges of `rds_superuser` are specific to RDS; here it has those that PostgreSQL can grant.
"""

from __future__ import annotations

from collections.abc import Iterator

_ROLES = ("rds_superuser", "rds_iam", "rds_password", "rds_replication")
_SUPERUSER_ROLES = (
    "rds_iam",
    "rds_password",
    "rds_replication",
    "pg_monitor",
    "pg_signal_backend",
)


def statements(master_user: str, password: str, database: str) -> Iterator[str]:
    """Yield the SQL for a new server; if *database* is "", only the database `postgres` exists."""
    for role in _ROLES:
        yield f"CREATE ROLE {role} NOLOGIN"
    for role in _SUPERUSER_ROLES:
        yield f"GRANT {role} TO rds_superuser WITH ADMIN OPTION"
    user = identifier(master_user)
    yield f"CREATE ROLE {user} LOGIN CREATEROLE CREATEDB PASSWORD {literal(password)}"
    yield f"GRANT rds_superuser TO {user}"
    yield f"ALTER DATABASE postgres OWNER TO {user}"
    if database and database != "postgres":
        yield f"CREATE DATABASE {identifier(database)} OWNER {user}"


def set_password(master_user: str, password: str) -> str:
    """Return the SQL that changes the password of the master user."""
    return f"ALTER ROLE {identifier(master_user)} PASSWORD {literal(password)}"


def identifier(name: str) -> str:
    """Return *name* as a quoted SQL identifier."""
    quoted = name.replace('"', '""')
    return f'"{quoted}"'


def literal(value: str) -> str:
    """Return *value* as a SQL string literal; standard_conforming_strings must be on."""
    quoted = value.replace("'", "''")
    return f"'{quoted}'"
