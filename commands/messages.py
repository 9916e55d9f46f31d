"""The namespace `messages`: the direct messages in DynamoDB."""

from __future__ import annotations

from invoke.collection import Collection
from invoke.context import Context

from commands.framework import table
from commands.framework.connection import connect
from commands.framework.task import task
from operations import messages

_HELP = {"json": "print the items, with all attributes, as JSON"}


@task(help=_HELP)
def scan(_: Context, env: str = "", json: bool = False) -> None:
    """List all items of the table; DynamoDB charges for each."""
    _print(
        "items", messages.scan(connect(env)), ("pk", "sk", "user_handle", "message"), as_json=json
    )


@task(help=_HELP | {"id": "the UUID of a conversation, as in the address of its page"})
def conversation(_: Context, id: str = "", env: str = "", json: bool = False) -> None:  # noqa: A002  # the name of the flag
    """List the messages of a conversation, the newest last."""
    messages.refuse_missing_id("--id", id)
    items = messages.conversation(connect(env), id)
    _print("messages", items, ("sk", "user_handle", "message"), as_json=json)


@task(help=_HELP | {"user_id": "the UUID of a user in the table users of the database"})
def conversations(_: Context, user_id: str = "", env: str = "", json: bool = False) -> None:
    """List the conversations of a user, the newest last."""
    messages.refuse_missing_id("--user-id", user_id)
    items = messages.conversations(connect(env), user_id)
    _print(
        "conversations", items, ("sk", "message_group_uuid", "user_handle", "message"), as_json=json
    )


def _print(
    name: str, items: list[messages.Item], columns: tuple[str, ...], *, as_json: bool
) -> None:
    if not as_json:
        items = [dict.fromkeys(columns, "") | item for item in items]
    print(table.text(name, items, columns, as_json=as_json), end="")


namespace = Collection(scan, conversation, conversations)
