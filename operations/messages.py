"""Read the direct messages with the same queries as the application.

stacks/messages.py describes the items of the table. All pages of a result are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from deployer.errors import ConfigError

if TYPE_CHECKING:
    from operations.target import Target

Item = dict[str, str]


def scan(target: Target) -> list[Item]:
    """Return all items of the table."""
    return _read(target, "scan")


def conversation(target: Target, id_: str) -> list[Item]:
    """Return the messages of the conversation *id_*, the newest last."""
    return _read(target, "query", **_with_key("MSG", id_))


def conversations(target: Target, user_id: str) -> list[Item]:
    """Return the conversations of one user, the one with the newest message last."""
    return _read(target, "query", **_with_key("GRP", user_id))


def refuse_missing_id(flag: str, id_: str) -> None:
    """Raise ConfigError if the value *id_* of *flag* is empty."""
    if not id_:
        raise ConfigError(
            f"{flag} is required", hint="pass a UUID; ./inv messages.scan lists all items"
        )


def _with_key(kind: str, id_: str) -> dict[str, Any]:
    """Return the arguments of a query for all items whose partition key is `KIND#ID`."""
    return {
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": f"{kind}#{id_}"}},
    }


def _read(target: Target, operation: str, **arguments: Any) -> list[Item]:
    """Return all items that a DynamoDB *operation* returns, sorted by key."""
    table = target.output("messages", "Table")
    paginator = target.client("dynamodb").get_paginator(operation)
    pages = paginator.paginate(TableName=table, ConsistentRead=True, **arguments)
    return sorted(_text_items(pages), key=lambda item: (item["pk"], item["sk"]))


def _text_items(pages: Any) -> Iterator[Item]:
    """Yield the items as the application shows them: all attributes as text.

    If two conversations of a user had a message at the same time, the sort key has a suffix
    that distinguishes the items. It is not part of the time, so it is removed.
    """
    for page in pages:
        for item in page["Items"]:
            text_item = {name: str(next(iter(value.values()))) for name, value in item.items()}
            yield text_item | {"sk": text_item["sk"].partition("#")[0]}
