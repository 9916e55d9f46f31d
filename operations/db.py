"""The schema of the database, by way of the function that can reach it: `migrate`, of `users`."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from invoke.collection import Collection
from invoke.context import Context

from commands.framework import terminal
from commands.framework.task import task
from operations import db_connection, functions, project, protection, target
from operations.target import Target

MIGRATIONS = Path("backend/db/migrations")
_STRANGER = "authentication failed for user"  # PostgreSQL's words, by password or by PAM.


@task()
def bootstrap(_: Context, env: str = "") -> None:
    """Make the users who come with a token; the first thing in a new database, harmless later."""
    here = target.connect(env)
    done = _call(here, {"do": "bootstrap"} | _master(here))
    _show(done, nothing="both users are there")


@task()
def migrate(_: Context, env: str = "") -> None:
    """Apply every deployed migration that is not applied yet, in the order of the numbers."""
    _show(_call(target.connect(env), {"do": "migrate"}), nothing="nothing to apply")


@task(
    help={
        "steps": "how many migrations, counted from the last applied one",
        "dry_run": "only show which migrations would be rolled back",
        "confirm": "the name of a protected environment",
    }
)
def rollback(
    _: Context, env: str = "", steps: int = 1, dry_run: bool = False, confirm: str = ""
) -> None:
    """Roll back the last applied migrations; this may drop tables and the data in them."""
    from deployer.errors import ConfigError

    if steps < 1:
        raise ConfigError(f"--steps={steps}: is less than 1", hint="pass --steps=1 or more")
    here = target.connect(env)
    names = _call(here, {"do": "status"})["applied"][: -steps - 1 : -1]
    if not names:
        print("nothing to roll back")
        return
    loss = "may drop tables and the data in them"
    print(terminal.shown(f"rolls back {', '.join(names)}: {loss}"), file=sys.stderr)
    if dry_run:
        return
    protection.ask(here.env, confirm, f"a rollback {loss}")
    event = {"do": "rollback", "steps": steps, "expected": names}
    _show(_call(here, event), nothing="nothing to roll back")


@task()
def status(_: Context, env: str = "") -> None:
    """List applied and pending migrations; also missing, changed and interrupted ones."""
    _show(_call(target.connect(env), {"do": "status"}), nothing="there are no migrations")


@task()
def seed(_: Context, env: str = "") -> None:
    """Add people and posts for development; a protected environment has real ones."""
    from deployer.errors import GuardError

    here = target.connect(env)
    if here.env.protect:
        raise GuardError(
            f"{here.env.name} is protected: it has people of its own",
            hint="seed another environment with --env",
        )
    _show(_call(here, {"do": "seed"}), nothing="there is no seed")


@task(help={"name": "what it does, such as add_banner"})
def new(_: Context, name: str = "") -> None:
    """Write the files of the next migration and of its rollback, to be filled in."""
    from deployer.errors import ConfigError

    if not re.fullmatch(r"[a-z0-9_]{1,60}", name):
        raise ConfigError(
            f"--name={name}: not a name for a migration", hint="such as --name=add_banner"
        )
    for file in write(project.ROOT / MIGRATIONS, name):
        print(f"written {file.relative_to(project.ROOT)}")


def write(folder: Path, name: str) -> list[Path]:
    """Write and return the two files of the migration *name*, the last one in *folder*."""
    from deployer import symlinks

    last = max(
        (int(file.name[:4]) for file in folder.glob("[0-9][0-9][0-9][0-9]_*.sql")), default=0
    )
    stem = f"{last + 1:04}_{name}"
    forward, back = folder / f"{stem}.sql", folder / f"{stem}.rollback.sql"
    for file in (forward, back):
        symlinks.refuse(file, project.ROOT if folder.is_relative_to(project.ROOT) else folder)
    forward.write_text("-- Why:\n")
    back.write_text(f"-- Undo {stem}.\n")
    return [forward, back]


def _master(here: Target) -> dict[str, str]:
    """User name and password of the master, as RDS keeps them.

    Raises GuardError if the stack names another secret: a release chooses what the stack returns,
    and the password is sent to a function that a release deploys.
    """
    from deployer.errors import GuardError

    secret = here.output("database", "MasterSecret")
    managed = _managed_secret(here)
    if secret != managed:
        raise GuardError(
            f"stack database: output MasterSecret: {secret} is not the secret of the database,"
            f" {managed or 'which has none'}",
            hint="find out who changed the stack (CloudTrail), then ./inv deploy --stack=database",
        )
    client = here.client("secretsmanager")
    kept = json.loads(client.get_secret_value(SecretId=secret)["SecretString"])
    return {"username": kept["username"], "password": kept["password"]}


def _managed_secret(here: Target) -> str:
    """Return the ARN of the secret that RDS manages for the database, or "" if there is none."""
    name = here.env.stack_name("database")
    found = here.client("rds").describe_db_instances(DBInstanceIdentifier=name)
    [database] = found["DBInstances"]
    return str(database.get("MasterUserSecret", {}).get("SecretArn", ""))


def _call(here: Target, event: dict[str, Any]) -> dict[str, Any]:
    from deployer.errors import CloudError

    function = here.output("users", "Migrate")
    hint = f"see docs/migrations.md; {functions.log_hint('migrate', here.env.name)}"
    try:
        answer: dict[str, Any] = functions.invoke(
            here.account, here.env.region, function, event, hint=hint
        )
    except CloudError as error:
        if _STRANGER not in error.message:
            raise
        hint = f"a new database knows its master only: ./inv db.bootstrap --env={here.env.name}"
        raise CloudError(error.message, hint=hint) from error
    return answer


def _show(done: dict[str, list[str]], *, nothing: str) -> None:
    """One line for each name: `applied 0001_users`."""
    lines = [f"{what.replace('_', ' ')} {name}" for what, names in done.items() for name in names]
    terminal.show("\n".join(lines) or nothing)


namespace = Collection(
    bootstrap, migrate, rollback, new, status, seed, db_connection.connect, db_connection.sessions
)
