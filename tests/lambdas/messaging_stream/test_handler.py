"""The table of what may befall the stream's function (S01 to S09).

S08, where a new stream is begun, is the template's: see the stack's tests.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    HTTPClientError,
    IncompleteReadError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging_stream import handler as handlers
from messaging_stream.conversations import DELAYS, Conversations
from messaging_stream.handler import handler, process
from stacks.messages import GROUP_INDEX
from tests.lambdas.execution_role import function_environment
from tests.lambdas.messaging_stream.lagging_table import (
    CrashError,
    Fault,
    LaggingTable,
    State,
    refusal,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.emulator_server import Aws

EVENTS = Path(handlers.__file__).with_name("events")

LONDO = "0d6f0f0e-1b1a-4c6e-9a53-1d1d6a0b7a01"
GKAR = "7c3b5e0a-94de-4a3f-8a0e-5b5f2c9d8b02"
DELENN = "3e1a7c55-2b70-4d0c-bb6f-6a1de0c44d03"
NAMES = {LONDO: ("londo", "Londo"), GKAR: ("gkar", "G'Kar"), DELENN: ("delenn", "Delenn")}

GROUP = "5ae290ed-55d1-47a0-bc6d-fe2bc2700399"
OTHER = "9b1f7f5e-3a0c-4b52-8d19-1f5d0b7c6e04"
SIDES = {GROUP: (LONDO, GKAR), OTHER: (LONDO, DELENN)}

NOTHING = {"batchItemFailures": []}


def texts(**known: str) -> dict[str, dict[str, str]]:
    """An item of texts, as DynamoDB writes it."""
    return {name: {"S": value} for name, value in known.items()}


def at(second: int) -> str:
    """A sort key: this many seconds after noon."""
    return f"2026-11-20T12:00:{second:02}.000000+00:00"


def row(person: str, group: str = GROUP, second: int = 0, **more: str) -> dict[str, Any]:
    """What *person* sees of a conversation: the other one, and what was said last."""
    (other,) = {*SIDES[group]} - {person}
    handle, name = NAMES[other]
    known = {
        "pk": f"GRP#{person}",
        "sk": at(second),
        "message_group_uuid": group,
        "message": f"said at {second}",
        "user_uuid": other,
        "user_handle": handle,
        "user_display_name": name,
    }
    return texts(**known | more)


def said(
    second: int, *, by: str = LONDO, group: str = GROUP, sequence: int | None = None, **more: Any
) -> dict[str, Any]:
    """The record of a message; its sequence number is that of the second unless told."""
    handle, name = NAMES[by]
    known = texts(
        pk=f"MSG#{group}",
        sk=at(second),
        message_uuid=f"{group}-{second}",
        message=f"said at {second}",
        user_uuid=by,
        user_handle=handle,
        user_display_name=name,
    )
    image = {name: value for name, value in (known | more).items() if value is not None}
    number = second if sequence is None else sequence
    return {
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {"NewImage": image, "SequenceNumber": f"{number:021}"},
    }


def failed(record: dict[str, Any]) -> dict[str, Any]:
    """The answer that has *record* and all after it tried again."""
    return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}


# Against the emulator, with the rights that the stack gives and no more.


@dataclass(frozen=True)
class Table:
    """A table like the stack's, and a look at its rows of conversations."""

    aws: Aws
    name: str

    @property
    def arn(self) -> str:
        return f"arn:aws:dynamodb:ca-central-1:{self.aws.endpoint.account}:table/{self.name}"

    def put(self, *items: dict[str, Any]) -> None:
        for item in items:
            self.aws.client("dynamodb").put_item(TableName=self.name, Item=item)

    def rows(self) -> list[dict[str, Any]]:
        """All rows of conversations, in order."""
        items = self.aws.client("dynamodb").scan(TableName=self.name)["Items"]
        rows = [item for item in items if item["pk"]["S"].startswith("GRP#")]
        return sorted(rows, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


@pytest.fixture
def empty(aws: Aws) -> Table:
    """A table without anything."""
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    by_group = [{"AttributeName": "message_group_uuid", "KeyType": "HASH"}, keys[1]]
    attributes = ("pk", "sk", "message_group_uuid")
    aws.client("dynamodb").create_table(
        TableName="messages",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in attributes],
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


def rights(table: Table, *actions: str) -> list[dict[str, Any]]:
    """The right to ask the index, and to do *actions* to the table."""
    index = f"{table.arn}/index/{GROUP_INDEX}"
    return [
        {"Effect": "Allow", "Action": "dynamodb:Query", "Resource": index},
        {"Effect": "Allow", "Action": [f"dynamodb:{a}" for a in actions], "Resource": table.arn},
    ]


@contextmanager
def function(table: Table, *statements: dict[str, Any], **more: str) -> Iterator[None]:
    """Be in a new process of the function, with these rights."""
    variables = function_environment(table.aws, *statements)
    named = {"TABLE_NAME": table.name, "GROUP_INDEX_NAME": GROUP_INDEX}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boto3, "DEFAULT_SESSION", None)  # It would keep another test's credentials.
        for name, value in {**variables, **named, **more}.items():
            patch.setenv(name, value)
        try:
            yield
        finally:
            handlers._conversations().client.close()
            handlers._conversations.cache_clear()


@pytest.fixture
def table(empty: Table) -> Iterator[Table]:
    """A table with one conversation, seen from a function that may do what it needs."""
    empty.put(row(LONDO), row(GKAR))
    with function(empty, *rights(empty, "PutItem", "DeleteItem")):
        yield empty


def test_both_sides_show_it(table: Table) -> None:
    """A message shows on both sides; each goes on to show the other person (defect 93)."""
    assert NOTHING == handler({"Records": [said(1, by=LONDO)]}, None)

    assert [row(LONDO, second=1), row(GKAR, second=1)] == table.rows()


def test_nothing_that_was_said_is_logged(
    table: Table, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither that nor a signature or a token, at any level of the log."""
    caplog.set_level(logging.DEBUG)

    handler({"Records": [said(1), said(2, sk={"S": "zzz"})]}, None)

    (line,) = capsys.readouterr().out.splitlines()
    assert {"event", "sequence", "reason"} == json.loads(line).keys()
    assert [] == [record for record in caplog.records if record.levelno < logging.INFO]


def test_names_are_refreshed(table: Table) -> None:
    """Who reads sees what the writer is called now, and the writer what they saw (defect 100)."""
    renamed = texts(user_handle="emperor", user_display_name="Emperor Mollari")

    handler({"Records": [said(1, by=LONDO, **renamed)]}, None)

    names = {"user_handle": "emperor", "user_display_name": "Emperor Mollari"}
    assert [row(LONDO, second=1), row(GKAR, second=1, **names)] == table.rows()


def test_what_else_a_row_has_stays(table: Table) -> None:
    """An attribute that we do not know moves along."""
    table.put(row(GKAR, muted="yes"))

    handler({"Records": [said(1)]}, None)

    assert row(GKAR, second=1, muted="yes") in table.rows()


def test_samples(table: Table) -> None:
    """The sample event of two messages ends at the second; none of the others' adds anything."""
    told = [
        handler(json.loads((EVENTS / f"{name}.json").read_text()), None)
        for name in ("new_messages", "nothing_new", "malformed")
    ]

    assert [NOTHING] * 3 == told
    shown = {(r["pk"]["S"], r["sk"]["S"], r["message"]["S"]) for r in table.rows()}
    last = ("2026-11-20T12:00:07.250000+00:00", "To be left alone.")
    assert {(f"GRP#{LONDO}", *last), (f"GRP#{GKAR}", *last)} == shown


def test_the_tables_own_stream(table: Table) -> None:
    """S03: what the stream says of a message is understood; what it says of our rows is nothing."""
    streams = table.aws.client("dynamodbstreams")
    stream = streams.list_streams(TableName=table.name)["Streams"][0]["StreamArn"]
    shard = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
    start = streams.get_shard_iterator(
        StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    table.put(said(1)["dynamodb"]["NewImage"])

    before = streams.get_records(ShardIterator=start)
    handler(before, None)
    moved = table.rows()
    after = streams.get_records(ShardIterator=before["NextShardIterator"])["Records"]

    assert [row(LONDO, second=1), row(GKAR, second=1)] == moved
    assert ["INSERT", "INSERT", "REMOVE", "REMOVE"] == sorted(r["eventName"] for r in after)
    assert NOTHING == process(after, Conversations(NoClient(), table.name, GROUP_INDEX))


def test_two_conversations_at_one_moment(table: Table) -> None:
    """Both stay: the second row at that moment stands right after the first, and moves on."""
    table.put(row(LONDO, OTHER, sk=f"{at(0)}#{OTHER}"), row(DELENN, OTHER))

    handler({"Records": [said(1), said(1, by=DELENN, group=OTHER, sequence=2)]}, None)
    apart = table.rows()
    handler({"Records": [said(2, by=DELENN, group=OTHER)]}, None)

    assert [
        row(LONDO, second=1),
        row(LONDO, OTHER, second=1, sk=f"{at(1)}#{OTHER}"),
        row(DELENN, OTHER, second=1),
        row(GKAR, second=1),
    ] == apart
    assert [
        row(LONDO, second=1),
        row(LONDO, OTHER, second=2),
        row(DELENN, OTHER, second=2),
        row(GKAR, second=1),
    ] == table.rows()


@pytest.mark.parametrize("missing", ["PutItem", "DeleteItem"])
def test_needs_each_right(empty: Table, missing: str) -> None:
    """With either right gone it fails loudly, having done nothing."""
    empty.put(row(LONDO), row(GKAR))
    has = {"PutItem", "DeleteItem"} - {missing}

    with (
        function(empty, *rights(empty, *has)),
        pytest.raises(ClientError, match=f"AccessDenied.*{missing}"),
    ):
        handler({"Records": [said(1)]}, None)

    assert [row(LONDO), row(GKAR)] == empty.rows()


def test_needs_the_index(empty: Table) -> None:
    """S09: the right to the table is none to its index, and an index that is not there is loud."""
    all_of_it = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": empty.arn}

    with function(empty, all_of_it), pytest.raises(ClientError, match=r"AccessDenied.*Query"):
        handler({"Records": [said(1)]}, None)


def test_needs_the_index_to_be_there(empty: Table) -> None:
    """S09: a mistake of ours is not tried again and again in silence."""
    everything = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}

    with (
        function(empty, everything, GROUP_INDEX_NAME="gone"),
        pytest.raises(ClientError, match="index: gone"),
    ):
        handler({"Records": [said(1)]}, None)


def test_parallel(table: Table) -> None:
    """S01: six that hear of the same messages at once, in orders of their own, end as one would."""
    records = [said(second, by=Random(second).choice([LONDO, GKAR])) for second in range(1, 9)]
    conversations = handlers._conversations()

    def worker(number: int) -> None:
        mine = Random(number).sample(records, len(records))
        for record in mine:
            until_done([record], lambda batch: process(batch, conversations))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(worker, range(6)))

    assert [row(LONDO, second=8), row(GKAR, second=8)] == table.rows()


def until_done(
    batch: Sequence[dict[str, Any]], deliver: Callable[[Sequence[dict[str, Any]]], dict[str, Any]]
) -> None:
    """Deliver as Lambda does: what failed and all after it again, and all of it after a crash.

    Lambda developer guide, "Configuring partial batch response with DynamoDB and Lambda".
    """
    for _ in range(100):
        try:
            failures = deliver(batch)["batchItemFailures"]
        except CrashError:
            continue
        if not failures:
            return
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        first = min(numbers.index(failure["itemIdentifier"]) for failure in failures)
        batch = batch[first:]
    raise AssertionError("it never ends")


# Against a table in memory, whose index lags and whose calls fail.


class NoClient:
    """A client that must not be used."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was called")


def watched(memory: LaggingTable) -> tuple[Conversations, list[float]]:
    """The conversations in *memory*, and for how long they have slept."""
    slept: list[float] = []
    return Conversations(memory, "messages", GROUP_INDEX, sleep=slept.append), slept


def in_memory(*faults: Fault) -> LaggingTable:
    """Two conversations; LONDO has a part in both."""
    rows = [
        row(person, group, second=n) for n, group in enumerate(SIDES) for person in SIDES[group]
    ]
    return LaggingTable(rows, list(faults))


def shows(second: int, group: str = GROUP) -> list[tuple[str, str, str]]:
    """Both sides at the message of this second."""
    return sorted((person, at(second), f"said at {second}") for person in SIDES[group])


@pytest.mark.parametrize("records", [[2, 2], [2, 3, 2], [3, 2], [3, 3, 1]], ids=str)
def test_again_and_out_of_order(records: list[int]) -> None:
    """S01: what comes twice or late changes nothing; the newest stays (defect 93)."""
    memory = in_memory()
    conversations, _ = watched(memory)

    for second in records:
        assert NOTHING == process([said(second)], conversations)
    assert NOTHING == process([said(second) for second in records], conversations)

    assert shows(max(records)) == memory.shown(GROUP)


def test_one_move_a_batch() -> None:
    """Of a conversation's messages in one batch only the newest is shown, in one transaction."""
    memory = in_memory()

    process([said(2), said(4), said(3)], watched(memory)[0])

    assert shows(4) == memory.shown(GROUP)
    assert 1 == memory.writes


def test_what_waits_holds_up_no_other() -> None:
    """S02, S06: one that never gets its rows is tried again; the others are done, and wait once."""
    lost, too = (f"00000000-0000-4000-8000-00000000000{n}" for n in range(2))
    memory = in_memory()
    conversations, slept = watched(memory)
    records = [
        *(said(2), said(3, group=lost), said(4, by=DELENN, group=OTHER)),
        *(said(5, group=too), said(6, group=lost)),
    ]

    answer = process(records, conversations)

    assert failed(records[1]) == answer
    assert (shows(2), shows(4, OTHER)) == (memory.shown(GROUP), memory.shown(OTHER))
    assert [0.0, 0.0, *DELAYS, 0.0, 0.0] == slept


@pytest.mark.parametrize("fault", ["throttle", "unreachable"])
def test_an_overload_holds_up_all(fault: str) -> None:
    """S07: whoever has no time for one conversation has none for the next."""
    memory = in_memory("ok", "ok", fault)
    records = [said(2), said(3, by=DELENN, group=OTHER), said(4, group="x")]

    assert failed(records[1]) == process(records, watched(memory)[0])
    assert [] == memory.faults


def test_a_conversation_is_tried_again_from_its_first_message() -> None:
    """S06: also where the newest of its messages is further behind."""
    records = [said(2, group=OTHER, by=LONDO), said(3), said(4), said(5)]
    memory = in_memory("ok", "ok", "throttle")

    assert failed(records[1]) == process(records, watched(memory)[0])


@pytest.mark.parametrize("name", ["INSERT", "MODIFY", "REMOVE"])
def test_other_rows_are_passed_over(name: str) -> None:
    """S03: our own writes, whatever the template's filter lets through (defect 94)."""
    own = {"NewImage": row(LONDO), "SequenceNumber": "1"}

    assert NOTHING == process(
        [{"eventName": name, "dynamodb": own}], Conversations(NoClient(), "messages", GROUP_INDEX)
    )


def test_other_changes_are_passed_over() -> None:
    """S04: a message that is changed, removed or has expired, as in the sample."""
    sample = json.loads((EVENTS / "nothing_new.json").read_text())

    assert NOTHING == process(sample["Records"], Conversations(NoClient(), "messages", GROUP_INDEX))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"message": None}, "message is not a string"),
        ({"message": {"N": "7"}}, "message is not a string"),
        ({"message": {"S": 7}}, "message is not a string"),
        ({"message": "text"}, "message is not a string"),
        ({"user_uuid": None}, "user_uuid is not a string"),
        ({"user_handle": {"NULL": True}}, "user_handle is not a string"),
        ({"user_display_name": {"M": {}}}, "user_display_name is not a string"),
        ({"sk": {"N": "7"}}, "sk is not a string"),
        *(
            ({"sk": {"S": sk}}, "sk is not a timestamp")
            for sk in [
                *(
                    "zzz",
                    "",
                    "~",
                    "2026-11-20",
                    "2026-11-20T12:00:07Z",
                    "9999-99-99T12:00:07+00:00",
                ),
                *("2026-11-20T12:00:07-05:00", "2026-11-20T12:00:07.5+00:00", f"{at(7)}#x"),
                *(f"{at(7)}\n", "\u0669026-11-20T12:00:07+00:00", "2026-02-30T12:00:07+00:00"),
            ]
        ),
        ({"pk": {"S": "MSG#"}}, "pk has no conversation"),
        ({"pk": {"B": "TVNHIw=="}}, "pk is not a string"),
    ],
)
def test_malformed(wrong: dict[str, Any], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    """S05: it is passed over and said so, without what it says; those behind it are shown."""
    memory = in_memory()

    answer = process([said(7, **wrong), said(3)], watched(memory)[0])

    assert NOTHING == answer
    assert shows(3) == memory.shown(GROUP)
    logged = {"event": "malformed", "sequence": f"{7:021}", "reason": reason}
    assert [logged] == [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"eventName": "INSERT"}, "dynamodb is missing"),
        ({"eventName": "INSERT", "dynamodb": None}, "dynamodb is missing"),
        ({"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1"}}, "NewImage is missing"),
        (
            {"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1", "Keys": texts(pk="MSG#x")}},
            "NewImage is missing",
        ),
        (
            {"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1", "NewImage": []}},
            "NewImage is missing",
        ),
        (
            {"eventName": "INSERT", "dynamodb": {"NewImage": said(7)["dynamodb"]["NewImage"]}},
            "SequenceNumber is missing",
        ),
    ],
)
def test_a_record_that_lacks_a_part(
    record: dict[str, Any], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """S05: as from a stream of keys alone. It is passed over; the batch goes on."""
    memory = in_memory()

    assert NOTHING == process([record, said(3)], watched(memory)[0])

    assert shows(3) == memory.shown(GROUP)
    (line,) = capsys.readouterr().out.splitlines()
    assert ("malformed", reason) == (json.loads(line)["event"], json.loads(line)["reason"])


def test_a_record_of_nothing_is_passed_over() -> None:
    """S05: an empty record."""
    memory = in_memory()

    assert NOTHING == process([{}, said(3)], watched(memory)[0])

    assert shows(3) == memory.shown(GROUP)


NOON = 1795176000  # at(0), in seconds


@pytest.mark.parametrize(("ahead", "passed_over"), [(0, False), (86_400, False), (86_407, True)])
def test_a_message_of_the_future(*, ahead: int, passed_over: bool) -> None:
    """S05: it would stay above all that is said until then. A clock may be a day ahead, no more."""
    memory = in_memory()
    record = said(6)
    record["dynamodb"]["ApproximateCreationDateTime"] = float(NOON + 6 - ahead)

    process([record], watched(memory)[0])

    assert shows(0 if passed_over else 6) == memory.shown(GROUP)


@pytest.mark.parametrize("stuck", ["zzz", "", "2026-11-20T12:00:59"])
def test_a_row_that_shows_no_time_goes_on(stuck: str) -> None:
    """S05: it was written before such messages were passed over."""
    memory = LaggingTable([row(LONDO, sk=stuck), row(GKAR)], [])

    assert NOTHING == process([said(2)], watched(memory)[0])

    assert shows(2) == memory.shown(GROUP)


OVERLOADS = [
    *(
        "InternalServerError",
        "InternalFailure",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    ),
    *("ProvisionedThroughputExceededException", "RequestLimitExceeded", "LimitExceededException"),
    *("Throttling", "ThrottlingException", "ThrottlingError", "TooManyRequestsException"),
    *("RequestThrottled", "RequestTimeout", "RequestTimeoutException"),
    *("TransactionInProgressException", "TransactionConflictException"),
    "ReplicatedWriteConflictException",
]
INVALID = [
    *("ValidationException", "ItemCollectionSizeLimitExceededException"),
    "IdempotentParameterMismatchException",
]
MISTAKES = [
    *("AccessDeniedException", "ResourceNotFoundException", "UnrecognizedClientException"),
    *("ExpiredTokenException", "MissingAuthenticationTokenException", "SerializationException"),
    *("IncompleteSignatureException", "InvalidSignatureException", "UnknownOperationException"),
]
NO_ANSWERS = [
    *(refusal("503", 503), refusal("500", 500), refusal("Unknown", 502), refusal("x", 504)),
    *(ReadTimeoutError(endpoint_url="https://x"), ConnectTimeoutError(endpoint_url="https://x")),
    *(HTTPClientError(error="x"), ConnectionClosedError(endpoint_url="https://x")),
    *(IncompleteReadError(actual_bytes=1, expected_bytes=2), ResponseParserError("<html>")),
]
LATER = [*map(refusal, OVERLOADS), *NO_ANSWERS]


@pytest.mark.parametrize("before", [[], ["ok"]], ids=["ask", "move"])
@pytest.mark.parametrize("error", LATER, ids=repr)
def test_an_overload_is_reported(before: list[str], error: Exception) -> None:
    """S07: by whatever name DynamoDB, or what is on the way there, calls it."""
    memory = in_memory(*before, error)
    record = said(2)

    assert failed(record) == process([record], watched(memory)[0])


@pytest.mark.parametrize("fault", [*map(refusal, INVALID), "invalid", "full", "busy"], ids=repr)
def test_what_is_refused_of_one_conversation_is_reported(fault: Fault) -> None:
    """S07: the others are moved, and it ends in the queue for failures."""
    memory = in_memory(*["ok", fault] * (len(DELAYS) + 1))
    records = [said(2), said(3, by=DELENN, group=OTHER)]
    if fault != "busy":  # That is waited for.
        memory.faults = ["ok", fault]

    assert failed(records[0]) == process(records, watched(memory)[0])

    assert shows(3, OTHER) == memory.shown(OTHER)


def test_an_answer_that_cannot_be_read_is_reported() -> None:
    """S07: such as HTML with status 200."""
    record = said(2)

    assert failed(record) == process([record], watched(in_memory("HTML"))[0])


def test_a_transaction_that_is_refused_without_a_reason_is_tried_again() -> None:
    """S07: as any other that was outdated."""
    memory = in_memory("ok", "no reasons")

    assert NOTHING == process([said(2)], watched(memory)[0])

    assert shows(2) == memory.shown(GROUP)


@pytest.mark.parametrize("before", [[], ["ok"]], ids=["ask", "move"])
@pytest.mark.parametrize("code", MISTAKES)
def test_a_mistake_of_ours_is_loud(before: list[str], code: str) -> None:
    """S07: what does not get better by itself is a traceback, and an error of the function."""
    with pytest.raises(ClientError, match=code):
        process([said(2)], watched(in_memory(*before, refusal(code)))[0])


def test_a_query_that_is_not_valid_is_loud() -> None:
    """S07: the function's own mistake, not the message's: the index does not exist."""
    with pytest.raises(ClientError, match="ValidationException"):
        process([said(2)], watched(in_memory(refusal("ValidationException")))[0])


def test_each_error_of_the_model_has_its_class() -> None:
    """S07: every error in botocore's models of both calls is classified, and no other."""
    model = botocore.session.get_session().get_service_model("dynamodb")
    calls = [model.operation_model(name) for name in ("Query", "TransactWriteItems")]
    known = {shape.name for call in calls for shape in call.error_shapes}

    assert known - {*OVERLOADS, *INVALID, *MISTAKES} == {"TransactionCanceledException"}


@pytest.mark.parametrize(
    "faults",
    [
        ["throttle"],
        ["ok", "throttle"],
        ["unreachable"],
        ["ok", "unreachable"],
        ["nothing"] * (len(DELAYS) + 1),
        ["ok", "conflict"] * (len(DELAYS) + 1),
    ],
    ids=["ask", "move", "ask, no answer", "move, no answer", "no rows", "conflict"],
)
def test_later(faults: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """S07: what gets better by itself is tried again; meanwhile all is as it was."""
    memory = in_memory(*faults)
    conversations, _ = watched(memory)
    record = said(2)

    first = process([record], conversations)
    meanwhile = memory.shown(GROUP)
    second = process([record], conversations)

    assert (failed(record), NOTHING) == (first, second)
    assert (shows(0), shows(2)) == (meanwhile, memory.shown(GROUP))
    (line,) = capsys.readouterr().out.splitlines()
    assert "unsettled" == json.loads(line)["event"]


@pytest.mark.parametrize(
    "faults",
    [["nothing"], ["ok", "conflict"], ["nothing", "nothing", "ok", "conflict"]],
    ids=str,
)
def test_soon(faults: list[str]) -> None:
    """S07: an index that is behind and a conflict are waited for, a little longer each time."""
    memory = in_memory(*faults)
    conversations, slept = watched(memory)

    assert NOTHING == process([said(2)], conversations)

    assert shows(2) == memory.shown(GROUP)
    waits = len(slept)
    assert [0.0, *DELAYS][:waits] == slept


def test_a_stale_index_undoes_nothing() -> None:
    """S07: the row that the index shows is gone; the next look finds that nothing is left to do."""
    memory = in_memory()
    conversations, slept = watched(memory)
    process([said(5)], conversations)
    slept.clear()
    memory.faults = [(1, 1, 1)]

    assert NOTHING == process([said(4)], conversations)

    assert shows(5) == memory.shown(GROUP)
    assert [0.0, DELAYS[0]] == slept


def test_a_row_that_was_changed_meanwhile() -> None:
    """S07: a new name, say, that the index does not have yet is not taken back."""
    memory = in_memory((1, 1, 1))
    renamed = row(LONDO, user_display_name="Citizen G'Kar")
    memory.change(renamed)

    assert NOTHING == process([said(2)], watched(memory)[0])

    assert row(LONDO, second=2, user_display_name="Citizen G'Kar") in memory.items.values()


def test_a_row_that_is_seen_twice() -> None:
    """S07: where it was and where it is; the latter counts, so there is nothing to wait for."""
    memory = in_memory()
    conversations, slept = watched(memory)
    process([said(2)], conversations)
    slept.clear()
    memory.faults = ["twice"]

    assert NOTHING == process([said(3)], conversations)

    assert shows(3) == memory.shown(GROUP)
    assert [0.0] == slept


messages = st.lists(
    st.tuples(st.sampled_from(sorted(SIDES)), st.integers(2, 5), st.booleans()),
    min_size=1,
    max_size=6,
    unique_by=lambda message: message[:2],
)
faults = st.lists(
    st.tuples(*[st.integers(0, 3)] * len(NAMES))
    | st.sampled_from(
        ["ok", "twice", "nothing", "throttle", "unreachable", "conflict", "crash", "crash after"]
    ),
    max_size=20,
)


@settings(deadline=None)
@given(messages=messages, faults=faults, data=st.data())
def test_ends_at_the_newest(messages: list[tuple[str, int, bool]], faults: Any, data: Any) -> None:
    """S01, S06, S07: in any order, any number of times, whatever fails: each side has one row.

    It shows the newest message and the other person, and has never gone back on the way there.
    """
    numbers = count(1)
    records = [
        said(second, by=SIDES[group][first], group=group, sequence=next(numbers))
        for group, second, first in messages
    ]
    again = data.draw(st.lists(st.sampled_from(range(len(records))), max_size=4), "again")
    order = data.draw(st.permutations([*range(len(records)), *again]), "order")
    size = data.draw(st.integers(1, len(order)), "size of a batch")
    memory = in_memory(*faults)

    for start in range(0, len(order), size):
        batch = [records[n] for n in order[start : start + size]]
        until_done(batch, lambda batch: process(batch, watched(memory)[0]))

    newest = defaultdict(int, {group: n for n, group in enumerate(SIDES)})
    for group, second, _ in messages:
        newest[group] = max(newest[group], second)
    for group, people in SIDES.items():
        assert {(person, at(newest[group]), f"said at {newest[group]}") for person in people} == {
            (person, sk.partition("#")[0], text) for person, sk, text in memory.shown(group)
        }
    for state in memory.past[1:]:
        assert sides(memory.past[1]) == sides(state)
    for before, after in pairwise(memory.past[1:]):
        assert all(times(before)[side] <= time for side, time in times(after).items())


def sides(state: State) -> list[tuple[str, ...]]:
    """Of each row: whose it is, of what conversation, and about whom."""
    names = ("pk", "message_group_uuid", "user_uuid")
    return sorted(tuple(item[name]["S"] for name in names) for item in state.values())


def times(state: State) -> dict[tuple[str, str], str]:
    """When the message was that each person's row of each conversation shows."""
    return {
        (person, item["message_group_uuid"]["S"]): sk.partition("#")[0]
        for (person, sk), item in state.items()
    }
