"""The function on a table of the emulator, with the permissions of its stack.

tests/stacks/test_messages.py tests the position where a new event source mapping starts.
"""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
)

from messaging_stream import handler as handlers
from messaging_stream.conversations import Conversations
from messaging_stream.handler import handler, process
from stacks.messages import GROUP_INDEX
from tests.lambdas.execution_role import function_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulator_server import Aws
from tests.lambdas.messaging_stream.conversation_items import (
    DELENN,
    GKAR,
    LONDO,
    NO_FAILURES,
    OTHER,
    NoClient,
    conversation_item,
    deliver_until_done,
    item_of,
    message_record,
    timestamp,
)

EVENTS = Path(handlers.__file__).with_name("events")


@dataclass(frozen=True)
class Table:
    """A table like that of the stack."""

    aws: Aws
    name: str

    @property
    def arn(self) -> str:
        return f"arn:aws:dynamodb:ca-central-1:{self.aws.endpoint.account}:table/{self.name}"

    def put(self, *items: dict[str, Any]) -> None:
        for item in items:
            self.aws.client("dynamodb").put_item(TableName=self.name, Item=item)

    def conversation_items(self) -> list[dict[str, Any]]:
        """Return all items of conversations, in order."""
        items = self.aws.client("dynamodb").scan(TableName=self.name)["Items"]
        conversations = [item for item in items if item["pk"]["S"].startswith("GRP#")]
        return sorted(conversations, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


@pytest.fixture
def empty_table(aws: Aws) -> Table:
    """A table without items."""
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    by_group = [{"AttributeName": "message_group_uuid", "KeyType": "HASH"}, keys[1]]
    attributes = ("pk", "sk", "message_group_uuid")
    aws.client("dynamodb").create_table(
        TableName="messages",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in attributes],
        KeySchema=keys,
        GlobalSecondaryIndexes=[
            {
                "IndexName": GROUP_INDEX,
                "KeySchema": by_group,
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    return Table(aws, "messages")


def permissions(table: Table, *actions: str) -> list[dict[str, Any]]:
    """Return statements that allow queries of the index, and *actions* on the table."""
    index = f"{table.arn}/index/{GROUP_INDEX}"
    return [
        {"Effect": "Allow", "Action": "dynamodb:Query", "Resource": index},
        {
            "Effect": "Allow",
            "Action": [f"dynamodb:{action}" for action in actions],
            "Resource": table.arn,
        },
    ]


@contextmanager
def new_process(table: Table, *statements: dict[str, Any], **more: str) -> Iterator[None]:
    """Provide the environment of a new process of the function, with these permissions."""
    variables = function_environment(table.aws, *statements)
    settings = {"TABLE_NAME": table.name, "GROUP_INDEX_NAME": GROUP_INDEX}
    with pytest.MonkeyPatch.context() as patch:
        # The default session may have the credentials of another test.
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        for name, value in {**variables, **settings, **more}.items():
            patch.setenv(name, value)
        try:
            yield
        finally:
            handlers._conversations().client.close()
            handlers._conversations.cache_clear()


@pytest.fixture
def table(empty_table: Table) -> Iterator[Table]:
    """A table with one conversation, and the environment of a function with its permissions."""
    empty_table.put(conversation_item(LONDO), conversation_item(GKAR))
    with new_process(empty_table, *permissions(empty_table, "PutItem", "DeleteItem")):
        yield empty_table


def test_both_items_are_updated(table: Table) -> None:
    """A message updates both items; each still describes the other participant (defect 93)."""
    assert handler({"Records": [message_record(1, by=LONDO)]}, None) == NO_FAILURES

    assert [
        conversation_item(LONDO, second=1),
        conversation_item(GKAR, second=1),
    ] == table.conversation_items()


def test_no_message_is_logged(
    table: Table, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """No message, signature or token is logged, at any log level."""
    caplog.set_level(logging.DEBUG)

    handler({"Records": [message_record(1), message_record(2, sk={"S": "zzz"})]}, None)

    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line).keys() == {"event", "sequence", "reason"}
    assert [record for record in caplog.records if record.levelno < logging.INFO] == []


def test_names_are_refreshed(table: Table) -> None:
    """The item of the reader gets the current names of the author (defect 100)."""
    renamed = item_of(user_handle="emperor", user_display_name="Emperor Mollari")

    handler({"Records": [message_record(1, by=LONDO, **renamed)]}, None)

    names = {"user_handle": "emperor", "user_display_name": "Emperor Mollari"}
    assert [
        conversation_item(LONDO, second=1),
        conversation_item(GKAR, second=1, **names),
    ] == table.conversation_items()


def test_other_attributes_are_kept(table: Table) -> None:
    """An unknown attribute of an item is kept by an update."""
    table.put(conversation_item(GKAR, muted="yes"))

    handler({"Records": [message_record(1)]}, None)

    assert conversation_item(GKAR, second=1, muted="yes") in table.conversation_items()


def test_sample_events(table: Table) -> None:
    """The sample with two messages updates the items to the second; the others change nothing."""
    results = [
        handler(json.loads((EVENTS / f"{name}.json").read_text()), None)
        for name in ("new_messages", "nothing_new", "malformed")
    ]

    assert results == [NO_FAILURES] * 3
    shown = {
        (item["pk"]["S"], item["sk"]["S"], item["message"]["S"])
        for item in table.conversation_items()
    }
    last = ("2026-11-20T12:00:07.250000+00:00", "To be left alone.")
    assert {(f"GRP#{LONDO}", *last), (f"GRP#{GKAR}", *last)} == shown


def test_records_of_the_emulator(table: Table) -> None:
    """The stream record of a message is processed; records of updated items are skipped."""
    streams = table.aws.client("dynamodbstreams")
    stream = streams.list_streams(TableName=table.name)["Streams"][0]["StreamArn"]
    shard = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
    start = streams.get_shard_iterator(
        StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    table.put(message_record(1)["dynamodb"]["NewImage"])

    before = streams.get_records(ShardIterator=start)
    handler(before, None)
    updated = table.conversation_items()
    after = streams.get_records(ShardIterator=before["NextShardIterator"])["Records"]

    assert [conversation_item(LONDO, second=1), conversation_item(GKAR, second=1)] == updated
    assert sorted(record["eventName"] for record in after) == [
        "INSERT",
        "INSERT",
        "REMOVE",
        "REMOVE",
    ]
    assert process(after, Conversations(NoClient(), table.name, GROUP_INDEX)) == NO_FAILURES


def test_two_conversations_with_one_timestamp(table: Table) -> None:
    """Two items of one participant with the same timestamp both exist; the second has a suffix."""
    table.put(
        conversation_item(LONDO, OTHER, sk=f"{timestamp(0)}#{OTHER}"),
        conversation_item(DELENN, OTHER),
    )

    handler(
        {"Records": [message_record(1), message_record(1, by=DELENN, group=OTHER, sequence=2)]},
        None,
    )
    collided = table.conversation_items()
    handler({"Records": [message_record(2, by=DELENN, group=OTHER)]}, None)

    assert [
        conversation_item(LONDO, second=1),
        conversation_item(LONDO, OTHER, second=1, sk=f"{timestamp(1)}#{OTHER}"),
        conversation_item(DELENN, OTHER, second=1),
        conversation_item(GKAR, second=1),
    ] == collided
    assert [
        conversation_item(LONDO, second=1),
        conversation_item(LONDO, OTHER, second=2),
        conversation_item(DELENN, OTHER, second=2),
        conversation_item(GKAR, second=1),
    ] == table.conversation_items()


@pytest.mark.parametrize("missing", ["PutItem", "DeleteItem"])
def test_each_permission_is_needed(empty_table: Table, missing: str) -> None:
    """Without one of the permissions the function fails and changes nothing."""
    empty_table.put(conversation_item(LONDO), conversation_item(GKAR))
    actions = {"PutItem", "DeleteItem"} - {missing}

    with (
        new_process(empty_table, *permissions(empty_table, *actions)),
        pytest.raises(ClientError, match=f"AccessDenied.*{missing}"),
    ):
        handler({"Records": [message_record(1)]}, None)

    assert [conversation_item(LONDO), conversation_item(GKAR)] == empty_table.conversation_items()


def test_the_permission_for_the_index_is_needed(empty_table: Table) -> None:
    """Permissions for the table do not include its index."""
    whole_table = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": empty_table.arn}

    with (
        new_process(empty_table, whole_table),
        pytest.raises(ClientError, match=r"AccessDenied.*Query"),
    ):
        handler({"Records": [message_record(1)]}, None)


def test_a_missing_index_is_an_error(empty_table: Table) -> None:
    """The function fails if its index does not exist."""
    everything = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}

    with (
        new_process(empty_table, everything, GROUP_INDEX_NAME="missing"),
        pytest.raises(ClientError, match="index: missing"),
    ):
        handler({"Records": [message_record(1)]}, None)


def test_concurrent_updates(table: Table) -> None:
    """Six concurrent workers with the same messages, each in its own order, end at the newest."""
    records = [
        message_record(second, by=Random(second).choice([LONDO, GKAR])) for second in range(1, 9)
    ]
    conversations = handlers._conversations()

    def worker(number: int) -> None:
        shuffled = Random(number).sample(records, len(records))
        for record in shuffled:
            deliver_until_done([record], lambda batch: process(batch, conversations))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(worker, range(6)))

    assert [
        conversation_item(LONDO, second=8),
        conversation_item(GKAR, second=8),
    ] == table.conversation_items()
