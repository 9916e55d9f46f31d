"""A look at the direct messages, along the ways in which the application reads them.

The rows are in stacks/messages.py. Nothing is written, and nothing left out: every page is read,
and no year is taken for the current one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from invoke.collection import Collection
from invoke.context import Context

from commands.framework import table
from commands.framework.task import task
from operations import target

_HELP = {"json": "a line of JSON for each row, with all it has"}


@task(help=_HELP)
def scan(_: Context, env: str = "", json: bool = False) -> None:
    """Every row there is: each costs."""
    _show(env, "scan", {}, ("pk", "sk", "user_handle", "message"), as_json=json)


@task(help=_HELP | {"id": "the conversation's uuid, as in the address of its page"})
def conversation(_: Context, id: str = "", env: str = "", json: bool = False) -> None:  # noqa: A002
    """The messages of one conversation, the newest last."""
    _show(env, "query", _below("MSG", id), ("sk", "user_handle", "message"), as_json=json)


@task(help=_HELP | {"person": "the uuid of a row in the table of users"})
def groups(_: Context, person: str = "", env: str = "", json: bool = False) -> None:
    """The conversations of one person, the one with the newest message last."""
    head = ("sk", "message_group_uuid", "user_handle", "message")
    _show(env, "query", _below("GRP", person), head, as_json=json)


def _below(kind: str, id_: str) -> dict[str, Any]:
    """What is below the key of one conversation or person; raises ConfigError for none."""
    from deployer.errors import ConfigError

    if not id_:
        flag = {"MSG": "--id", "GRP": "--person"}[kind]
        raise ConfigError(f"{flag}: whose?", hint="a uuid; messages.scan shows those there are")
    return {
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": f"{kind}#{id_}"}},
    }


def _show(
    env: str, way: str, asked: dict[str, Any], head: tuple[str, ...], *, as_json: bool
) -> None:

    here = target.connect(env)
    name = here.output("messages", "Table")
    pages = here.client("dynamodb").get_paginator(way)
    found = pages.paginate(TableName=name, ConsistentRead=True, **asked)
    rows = sorted(_rows(found), key=lambda row: (row["pk"], row["sk"]))
    shown = [dict.fromkeys(head, "") | row for row in rows]
    print(table.text(rows if as_json else shown, head, as_json=as_json), end="")


def _rows(pages: Any) -> Iterator[dict[str, str]]:
    """Rows as the application knows them: all they have is text.

    Two conversations of one person may have had a message at the same moment; a suffix then keeps
    their rows apart, and is no part of the time.
    """
    for page in pages:
        for item in page["Items"]:
            row = {name: str(next(iter(value.values()))) for name, value in item.items()}
            yield row | {"sk": row["sk"].partition("#")[0]}


namespace = Collection(scan, conversation, groups)
