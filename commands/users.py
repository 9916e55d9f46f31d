"""The namespace `users`: the users of the Cognito user pool."""

from __future__ import annotations

from invoke.collection import Collection
from invoke.context import Context

from commands.framework import table
from commands.framework.connection import connect
from commands.framework.task import task
from operations import users


@task(name="list", help={"json": "print the users as JSON"})
def list_(_: Context, env: str = "", json: bool = False) -> None:
    """List the users with their status in Cognito."""
    print(table.text("users", users.list_users(connect(env)), users.COLUMNS, as_json=json), end="")


namespace = Collection(list_)
