"""Connect to the database: with psql, or to list the other connections.

The database of an account is in private subnets, so an ECS task forwards the connection to it.
The database of the emulator listens on this machine. Both accept an IAM authentication token,
which is valid for fifteen minutes, so no password is stored.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from deployer.errors import CloudError, ConfigError
from operations import port_forwarding, processes

if TYPE_CHECKING:
    from operations.target import Target

# For each value of --user, the output of the stack `database` with the name of the user.
USERS = {"application": "Application", "migrator": "Migrator"}
# Without the column `query`, which may contain data of users.
_CONNECTIONS = """
SELECT pid, usename AS user, application_name AS program, host(client_addr) AS address,
    date_trunc('second', backend_start)::text AS since, state,
    date_trunc('second', state_change)::text AS state_since, wait_event AS waits_for
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
ORDER BY backend_start
"""
COLUMNS = ("pid", "user", "program", "address", "since", "state", "state_since", "waits_for")


def psql_path() -> str:
    """Return the path of psql; raise ConfigError if it is not on PATH."""
    path = shutil.which("psql")
    if path is None:
        raise ConfigError("psql is not on PATH", hint="install the PostgreSQL client")
    return path


def run_psql(target: Target, psql: str, user: str, command: str) -> int:
    """Run *psql* at the terminal as *user* and return its exit code; *command* may be empty."""
    arguments = ["--command", command] if command else []
    with connection_variables(target, user) as variables:
        return processes.run_interactive([psql, *arguments], variables)


def list_sessions(target: Target, user: str) -> list[dict[str, Any]]:
    """Return a row for each other session of the database.

    PostgreSQL shows details only of the connections that *user* itself has.
    """
    try:
        import psycopg
        from psycopg.conninfo import make_conninfo
        from psycopg.rows import dict_row
    except ImportError as error:
        raise ConfigError(
            "psycopg is not installed", hint="run ./inv without CRUDDUR_LOCK=deploy"
        ) from error

    with connection_variables(target, user) as variables:
        try:
            with psycopg.connect(
                make_conninfo(**_connection_parameters(variables)), row_factory=dict_row
            ) as connection:
                return connection.execute(_CONNECTIONS).fetchall()
        except psycopg.Error as error:
            hint = f"run ./inv db.bootstrap --env={target.env.name} if the users are missing"
            raise CloudError(f"the database: {error}", hint=hint) from error


@contextmanager
def connection_variables(target: Target, user: str) -> Iterator[dict[str, str]]:
    """Yield the environment variables for libpq; forward a port to a database in an account."""
    from deployer.aws.errors import translate_errors

    if user not in USERS:
        raise ConfigError(f"--user={user}: unknown", hint=f"one of: {', '.join(USERS)}")
    host, port = target.output("database", "Address"), target.output("database", "Port")
    name = target.output("database", USERS[user])
    with translate_errors(host):
        token = target.client("rds").generate_db_auth_token(host, int(port), name)
    variables = {
        "PGHOST": host,
        "PGPORT": port,
        "PGDATABASE": target.output("database", "Name"),
        "PGUSER": name,
        "PGPASSWORD": token,
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": str(target.database_ca),
    }
    if target.environment.is_local:
        yield variables
        return
    with port_forwarding.forwarded_port(target, host, int(port)) as local_port:
        # PGHOST does not change: the certificate and the token are for that name.
        yield variables | {"PGHOSTADDR": "127.0.0.1", "PGPORT": str(local_port)}


def _connection_parameters(variables: dict[str, str]) -> dict[str, str]:
    """Return *variables* for libpq as the parameters of a connection string."""
    names = {name: name.removeprefix("PG").lower() for name in variables}
    names["PGDATABASE"] = "dbname"
    return {names[name]: value for name, value in variables.items()}
