"""What the application is told in confidence: kept in Parameter Store, where its tasks fetch it.

Config names the variables; a value goes in and is never shown. CloudFormation cannot make them.
"""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection
from invoke.context import Context

from commands.framework import table, terminal
from commands.framework.task import task
from operations import project, target

if TYPE_CHECKING:
    from deployer.environment import Environment

_MOST_NAMES = 10  # That GetParameters takes.
_LARGEST_VALUE = 4096  # Bytes of a parameter of the standard tier.


@task(help={"name": "a variable such as ROLLBAR_ACCESS_TOKEN"})
def put(_: Context, name: str = "", env: str = "") -> None:
    """Keep a value, asked for without echo or read from stdin; tasks that start have it."""
    from deployer.errors import ConfigError

    environment = project.environment(env)
    paths = [path for path, variable in names(environment).items() if variable == name]
    if not paths:
        known = ", ".join(dict.fromkeys(names(environment).values()))
        where = f"secrets in [service] of config/{environment.env.name}.toml"
        raise ConfigError(
            f"--name={name}: not among {where}", hint=f"one of: {known or 'none yet'}"
        )
    value = _value(name)
    here = target.connect_to(environment)
    for path in paths:
        client = here.client("ssm")
        kept = client.put_parameter(Name=path, Value=value, Type="SecureString", Overwrite=True)
        terminal.show(f"kept {path}, version {kept['Version']}")
    print(f"./inv service.restart --env={here.env.name} brings it to the tasks that run")


@task(name="list", help={"json": "a line of JSON for each secret"})
def list_(_: Context, env: str = "", json: bool = False) -> None:
    """Say of each secret in config whether it is there, and since when; never what it is."""
    here = target.connect(env)
    rows = [
        {"name": path, "state": "there" if at else "missing", "changed": at}
        for path, at in changed(here).items()
    ]
    print(table.text(rows, ("name", "state", "changed"), as_json=json), end="")


def names(environment: Environment) -> dict[str, str]:
    """The variable of each secret, by its name in Parameter Store."""
    from stacks.parts.containers import secret_name

    return {
        secret_name(environment.env, service.name, variable): variable
        for service in project.services(environment).values()
        for variable in service.secrets
    }


def changed(here: target.Target) -> dict[str, str]:
    """When each secret in config was last changed; empty for one that is not there."""
    asked = list(names(here.environment))
    found: dict[str, str] = {}
    for at in range(0, len(asked), _MOST_NAMES):
        found |= _found(here, asked[at : at + _MOST_NAMES])
    return {name: found.get(name, "") for name in asked}


def _found(here: target.Target, asked: list[str]) -> dict[str, str]:
    """Without decryption: what is asked for is not what they are."""
    answer: Any = here.client("ssm").get_parameters(Names=asked, WithDecryption=False)
    return {
        each["Name"]: each["LastModifiedDate"].isoformat(sep=" ", timespec="seconds")
        for each in answer["Parameters"]
    }


def _value(name: str) -> str:
    """One line from a terminal, or all of stdin.

    Raises ConfigError if there is nothing, or what Parameter Store refuses.
    """
    from deployer.errors import ConfigError

    if sys.stdin is None:  # It was closed, as by `<&-`.
        value = ""
    elif sys.stdin.isatty():
        value = _typed(f"{name}: ")
    else:
        value = sys.stdin.read().removesuffix("\n")
    if not value:
        raise ConfigError(f"{name}: nothing was given", hint="type it, or give it on stdin")
    if (size := len(value.encode())) > _LARGEST_VALUE:
        raise ConfigError(
            f"{name}: has {size:,} bytes, and Parameter Store takes {_LARGEST_VALUE:,}",
            hint="split it among several variables",
        )
    if "{{" in value:
        raise ConfigError(
            f"{name}: has {{{{, which Parameter Store takes for a reference and refuses",
            hint="choose a value without {{",
        )
    return value


def _typed(question: str) -> str:
    """What is typed without echo; nothing, where Ctrl-D says that nothing comes."""
    try:
        return getpass.getpass(question)
    except EOFError:
        print(file=sys.stderr)  # Nobody has pressed Enter.
        return ""


namespace = Collection(put, list_)
