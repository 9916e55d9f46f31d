"""Direct messages are read with the keys of the application."""

from __future__ import annotations

import pytest

from deployer.errors import ConfigError
from operations import messages
from tests.operations.fake_account import Account, Client, target

OUTPUTS = {"messages": {"Table": "table"}}


def item(**attributes: str) -> dict[str, dict[str, str]]:
    """Return an item as DynamoDB returns it."""
    return {name: {"S": value} for name, value in attributes.items()}


def test_conversations() -> None:
    """Pages are joined and sorted; the suffix of the sort key is removed."""
    client = Client(
        query=[{"Items": [item(pk="GRP#a", sk="2#x")]}, {"Items": [item(pk="GRP#a", sk="1")]}]
    )

    items = messages.conversations(target(Account(OUTPUTS, {"dynamodb": client})), "a")

    [(_, arguments)] = client.calls
    assert items == [{"pk": "GRP#a", "sk": "1"}, {"pk": "GRP#a", "sk": "2"}]
    assert arguments["ExpressionAttributeValues"] == {":pk": {"S": "GRP#a"}}
    assert (arguments["TableName"], arguments["ConsistentRead"]) == ("table", True)


def test_conversation() -> None:
    """The messages of a conversation have another partition key."""
    client = Client(query=[])

    messages.conversation(target(Account(OUTPUTS, {"dynamodb": client})), "c")

    [(_, arguments)] = client.calls
    assert arguments["ExpressionAttributeValues"] == {":pk": {"S": "MSG#c"}}


def test_an_id_is_required() -> None:
    """The error names the flag."""
    messages.refuse_missing_id("--id", "x")

    with pytest.raises(ConfigError, match="--id is required"):
        messages.refuse_missing_id("--id", "")
