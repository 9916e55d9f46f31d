"""The namespace `db`: migrations, and connections to the database."""

from __future__ import annotations

import sys

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit

from commands.framework import table, terminal
from commands.framework.connection import connect as connect_to_env
from commands.framework.task import task
from deployer.errors import ConfigError
from operations import db, db_connection, protection

_USER = f"the database user: {' or '.join(db_connection.USERS)}"


@task()
def bootstrap(_: Context, env: str = "") -> None:
    """Create the IAM-authenticated database users.

    Run it once in a new database, before any other task of `db`; later runs change nothing.
    """
    _print(db.bootstrap(connect_to_env(env)), if_empty="both users exist")


@task()
def migrate(_: Context, env: str = "") -> None:
    """Apply the pending migrations of the deployed code."""
    _print(db.migrate(connect_to_env(env)), if_empty="nothing to apply")


@task(
    help={
        "steps": "how many migrations to roll back, beginning with the last applied",
        "dry_run": "only show which migrations would be rolled back",
        "confirm": "the name of a protected environment",
    }
)
def rollback(
    _: Context, env: str = "", steps: int = 1, dry_run: bool = False, confirm: str = ""
) -> None:
    """Roll back the last migration (may drop data).

    The migrations are shown first. A protected environment must be confirmed with --confirm.
    """
    if steps < 1:
        raise ConfigError(f"--steps={steps}: is less than 1", hint="pass --steps=1 or more")
    target = connect_to_env(env)
    names = db.last_applied(target, steps)
    if not names:
        print("nothing to roll back")
        return
    loss = "may drop tables and the data in them"
    print(terminal.escape(f"rolls back {', '.join(names)}: {loss}"), file=sys.stderr)
    if dry_run:
        return
    protection.refuse_unconfirmed(target.env, confirm, f"a rollback {loss}")
    _print(db.rollback(target, steps, names), if_empty="nothing to roll back")


@task()
def status(_: Context, env: str = "") -> None:
    """List the migrations: applied, pending, changed, interrupted."""
    _print(db.status(connect_to_env(env)), if_empty="there are no migrations")


@task()
def seed(_: Context, env: str = "") -> None:
    """Insert sample users and posts for development.

    A protected environment is refused.
    """
    _print(db.seed(connect_to_env(env)), if_empty="there is no seed")


@task(help={"name": "what the migration does, such as add_banner"})
def new(_: Context, name: str = "") -> None:
    """Create the files of the next migration and its rollback."""
    for file in db.new_migration(name):
        print(f"wrote {file}")


@task(help={"user": _USER, "command": "an SQL command to run instead of a prompt"})
def connect(_: Context, env: str = "", user: str = "application", command: str = "") -> None:
    """Open psql; in an AWS account, through a port that a running ECS task forwards.

    This needs the session-manager-plugin, and `enable_exec = true` in [service] of the config.
    """
    psql = db_connection.psql_path()
    code = db_connection.run_psql(connect_to_env(env), psql, user, command)
    if code:
        raise Exit(code=code)


@task(help={"user": _USER, "json": "print the connections as JSON"})
def sessions(_: Context, env: str = "", user: str = "application", json: bool = False) -> None:
    """List the other connections to the database.

    PostgreSQL shows details of connections of the same user only.
    """
    rows = db_connection.list_sessions(connect_to_env(env), user)
    print(table.text("connections", rows, db_connection.COLUMNS, as_json=json), end="")


def _print(result: db.MigrationResult, *, if_empty: str) -> None:
    """Print a line for each name, such as `applied 0001_users`, or *if_empty* if there is none."""
    lines = [f"{key.replace('_', ' ')} {name}" for key, names in result.items() for name in names]
    terminal.show("\n".join(lines) or if_empty)


namespace = Collection(bootstrap, migrate, rollback, new, status, seed, connect, sessions)
