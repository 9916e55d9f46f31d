"""Migrate the database, by invoking the Lambda function `migrate` of the stack `users`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployer import symlinks
from deployer.errors import CloudError, ConfigError, GuardError
from operations import lambdas, project

if TYPE_CHECKING:
    from operations.target import Target

MIGRATIONS = Path("backend/db/migrations")
# PostgreSQL's message for a user that does not exist, with password or PAM authentication.
_AUTHENTICATION_FAILED = "authentication failed for user"

MigrationResult = dict[str, list[str]]  # The names of migrations or users, by action or state.


def bootstrap(target: Target) -> MigrationResult:
    """Create the IAM-authenticated database users, as the master user."""
    return _invoke(target, {"do": "bootstrap"} | _master_credentials(target))


def migrate(target: Target) -> MigrationResult:
    """Apply the pending migrations."""
    return _invoke(target, {"do": "migrate"})


def status(target: Target) -> MigrationResult:
    """Return the migrations by state, such as applied, pending or interrupted."""
    return _invoke(target, {"do": "status"})


def is_missing_user(error: CloudError) -> bool:
    """Return whether *error* means that a database user does not exist yet."""
    return _AUTHENTICATION_FAILED in error.message


def last_applied(target: Target, steps: int) -> list[str]:
    """Return the last *steps* applied migrations, in the order of their rollback."""
    return status(target)["applied"][: -steps - 1 : -1]


def rollback(target: Target, steps: int, expected: list[str]) -> MigrationResult:
    """Roll back the last *steps* migrations; the function refuses if they are not *expected*."""
    return _invoke(target, {"do": "rollback", "steps": steps, "expected": expected})


def seed(target: Target) -> MigrationResult:
    """Insert sample users and posts; raise GuardError for a protected environment."""
    if target.env.protect:
        raise GuardError(
            f"{target.env.name} is protected: sample data must not be added to real data",
            hint="seed another environment with --env",
        )
    return _invoke(target, {"do": "seed"})


def new_migration(name: str) -> list[Path]:
    """Create the two files of the next migration; raise ConfigError for an invalid *name*."""
    if not re.fullmatch(r"[a-z0-9_]{1,60}", name):
        raise ConfigError(
            f"--name={name}: is not a valid name of a migration",
            hint="use a-z, 0-9 and _, at most 60 characters, such as --name=add_banner",
        )
    files = write_migration(project.ROOT / MIGRATIONS, name)
    return [file.relative_to(project.ROOT) for file in files]


def write_migration(folder: Path, name: str) -> list[Path]:
    """Write the files of the migration *name* and its rollback, numbered after the last one."""
    last = max(
        (int(file.name[:4]) for file in folder.glob("[0-9][0-9][0-9][0-9]_*.sql")), default=0
    )
    stem = f"{last + 1:04}_{name}"
    migration, rollback = folder / f"{stem}.sql", folder / f"{stem}.rollback.sql"
    for file in (migration, rollback):
        symlinks.refuse(file, project.ROOT if folder.is_relative_to(project.ROOT) else folder)
    migration.write_text("-- Why:\n")
    rollback.write_text(f"-- Undo {stem}.\n")
    return [migration, rollback]


def _master_credentials(target: Target) -> dict[str, str]:
    """Return the name and password of the master user, from the secret that RDS manages.

    Raise GuardError if the output of the stack names another secret: a release can change the
    output and the function that receives the password.
    """
    secret = target.output("database", "MasterSecret")
    managed = _managed_secret(target)
    if secret != managed:
        raise GuardError(
            f"stack database: output MasterSecret: {secret} is not the secret of the database,"
            f" {managed or 'which has none'}",
            hint="find out who changed the stack (CloudTrail), then ./inv deploy --stack=database",
        )
    client = target.client("secretsmanager")
    value = json.loads(client.get_secret_value(SecretId=secret)["SecretString"])
    return {"username": value["username"], "password": value["password"]}


def _managed_secret(target: Target) -> str:
    """Return the ARN of the secret that RDS manages for the database, or "" if there is none."""
    name = target.env.stack_name("database")
    response = target.client("rds").describe_db_instances(DBInstanceIdentifier=name)
    [database] = response["DBInstances"]
    return str(database.get("MasterUserSecret", {}).get("SecretArn", ""))


def _invoke(target: Target, event: dict[str, Any]) -> MigrationResult:
    return invoke(target, target.output("users", "Migrate"), event)


def invoke(target: Target, function: str, event: dict[str, Any]) -> MigrationResult:
    """Invoke the migration *function*; raise CloudError with a hint if it fails."""
    hint = f"see docs/migrations.md; {lambdas.log_hint('migrate', target.env.name)}"
    try:
        result: MigrationResult = lambdas.invoke(
            target.account, target.env.region, function, event, hint=hint
        )
    except CloudError as error:
        if not is_missing_user(error):
            raise
        hint = f"run ./inv db.bootstrap --env={target.env.name} to create the database users"
        raise CloudError(error.message, hint=hint) from error
    return result
