"""The namespace `secret`: the secrets of the application in Parameter Store."""

from __future__ import annotations

import getpass
import sys

from invoke.collection import Collection
from invoke.context import Context

from commands.framework import table, terminal
from commands.framework.connection import connect, connect_to
from commands.framework.task import task
from operations import project, secret


@task(help={"name": "a variable such as ROLLBAR_ACCESS_TOKEN"})
def put(_: Context, name: str = "", env: str = "") -> None:
    """Store a secret: typed without echo, or from stdin."""
    environment = project.environment(env)
    parameters = secret.parameters_of(environment, name)
    value = secret.check_value(name, _read_value(name))
    target = connect_to(environment)
    for parameter in parameters:
        version = secret.put(target, parameter, value)
        terminal.show(f"stored {parameter}, version {version}")
    print(f"run ./inv service.restart --env={target.env.name} to pass it to running tasks")


@task(name="list", help={"json": "print the secrets as JSON"})
def list_(_: Context, env: str = "", json: bool = False) -> None:
    """List the secrets that config names, without values."""
    print(
        table.text("secrets", secret.list_secrets(connect(env)), secret.COLUMNS, as_json=json),
        end="",
    )


def _read_value(name: str) -> str:
    """Return one line from a terminal, or all of stdin."""
    if sys.stdin is None:  # It is closed, as after `<&-`.
        return ""
    if sys.stdin.isatty():
        return _read_without_echo(f"{name}: ")
    return sys.stdin.read().removesuffix("\n")


def _read_without_echo(question: str) -> str:
    """Return the typed line; empty after Ctrl-D."""
    try:
        return getpass.getpass(question)
    except EOFError:
        print(file=sys.stderr)  # Ends the line of the question.
        return ""


namespace = Collection(put, list_)
