"""People at the database: psql for one, and who else is connected.

The database is in a private network, so an account's is reached through a task that runs; the
emulator one listens on this machine. Either way one comes with a token of IAM, good for fifteen
minutes to connect with, and leaves no password anywhere.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from invoke.context import Context

from commands.framework import table
from commands.framework.task import task
from operations import port_forwarding, processes, target

if TYPE_CHECKING:
    from operations.target import Target

USERS = {"application": "Application", "migrator": "Migrator"}  # And the outputs that name them.
_USER = f"as whom: {' or '.join(USERS)}"
# Not what is asked: that may quote what people wrote.
_CONNECTED = """
SELECT pid, usename AS user, application_name AS program, host(client_addr) AS address,
    date_trunc('second', backend_start)::text AS since, state,
    date_trunc('second', state_change)::text AS state_since, wait_event AS waits_for
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
ORDER BY backend_start
"""
_HEAD = ("pid", "user", "program", "address", "since", "state", "state_since", "waits_for")


@task(help={"user": _USER, "command": "what to run there, instead of asking"})
def connect(_: Context, env: str = "", user: str = "application", command: str = "") -> None:
    """Open psql; for an account through a task, with session-manager-plugin and exec = true."""
    from deployer.errors import ConfigError

    psql = shutil.which("psql")
    if psql is None:
        raise ConfigError("psql is not on PATH", hint="a package of PostgreSQL's clients has it")
    asked = ["--command", command] if command else []
    with reached(target.connect(env), user) as settings:
        processes.at_terminal([psql, *asked], settings)


@task(help={"user": _USER, "json": "a line of JSON for each connection"})
def sessions(_: Context, env: str = "", user: str = "application", json: bool = False) -> None:
    """Say who else is connected; PostgreSQL tells no user what another one does."""
    from deployer.errors import CloudError, ConfigError

    try:
        import psycopg
        from psycopg.conninfo import make_conninfo
        from psycopg.rows import dict_row
    except ImportError as error:
        raise ConfigError("psycopg is not installed", hint="./inv, not CRUDDUR_LOCK=deploy ./inv") from error  # fmt: skip

    here = target.connect(env)
    with reached(here, user) as settings:
        try:
            with psycopg.connect(
                make_conninfo(**_for_psycopg(settings)), row_factory=dict_row
            ) as connection:
                rows = connection.execute(_CONNECTED).fetchall()
        except psycopg.Error as error:
            hint = f"./inv db.bootstrap --env={here.env.name} makes users"
            raise CloudError(f"the database: {error}", hint=hint) from error
    print(table.text(rows, _HEAD, as_json=json), end="")


@contextmanager
def reached(here: Target, user: str) -> Iterator[dict[str, str]]:
    """What libpq has to know, in its own variables, while there is a way to the database."""
    from deployer.aws.errors import translate_errors
    from deployer.errors import ConfigError

    if user not in USERS:
        raise ConfigError(f"--user={user}: unknown", hint=f"one of: {', '.join(USERS)}")
    host, port = here.output("database", "Address"), here.output("database", "Port")
    name = here.output("database", USERS[user])
    with translate_errors(host):
        token = here.client("rds").generate_db_auth_token(host, int(port), name)
    settings = {
        "PGHOST": host,
        "PGPORT": port,
        "PGDATABASE": here.output("database", "Name"),
        "PGUSER": name,
        "PGPASSWORD": token,
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": str(here.roots),
    }
    if here.environment.is_local:
        yield settings
        return
    with port_forwarding.to(here, host, int(port)) as local:
        # The name stays: it is what the certificate has to say, and what the token is for.
        yield settings | {"PGHOSTADDR": "127.0.0.1", "PGPORT": str(local)}


def _for_psycopg(settings: dict[str, str]) -> dict[str, str]:
    """The settings that the variables of libpq stand for."""
    short = {name: name.removeprefix("PG").lower() for name in settings} | {"PGDATABASE": "dbname"}
    return {short[name]: value for name, value in settings.items()}
