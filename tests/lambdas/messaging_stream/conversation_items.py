"""Items of conversations, and stream records of messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from messaging_stream.conversations import Conversations
from stacks.messages import GROUP_INDEX
from tests.lambdas.messaging_stream.lagging_table import (
    CrashError,
    LaggingTable,
    ScriptedResponse,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LONDO = "0d6f0f0e-1b1a-4c6e-9a53-1d1d6a0b7a01"
GKAR = "7c3b5e0a-94de-4a3f-8a0e-5b5f2c9d8b02"
DELENN = "3e1a7c55-2b70-4d0c-bb6f-6a1de0c44d03"
NAMES = {LONDO: ("londo", "Londo"), GKAR: ("gkar", "G'Kar"), DELENN: ("delenn", "Delenn")}
GROUP = "5ae290ed-55d1-47a0-bc6d-fe2bc2700399"
OTHER = "9b1f7f5e-3a0c-4b52-8d19-1f5d0b7c6e04"
PARTICIPANTS = {GROUP: (LONDO, GKAR), OTHER: (LONDO, DELENN)}
NO_FAILURES = {"batchItemFailures": []}


def item_of(**attributes: str) -> dict[str, dict[str, str]]:
    """Return an item of strings in the JSON of DynamoDB."""
    return {name: {"S": value} for name, value in attributes.items()}


def timestamp(second: int) -> str:
    """Return the sort key for this many seconds after noon."""
    return f"2026-11-20T12:00:{second:02}.000000+00:00"


def conversation_item(
    participant: str, group: str = GROUP, second: int = 0, **more: str
) -> dict[str, Any]:
    """Return the item of *participant*: the other participant and the last message."""
    (other,) = {*PARTICIPANTS[group]} - {participant}
    handle, name = NAMES[other]
    attributes = {
        "pk": f"GRP#{participant}",
        "sk": timestamp(second),
        "message_group_uuid": group,
        "message": f"sent at {second}",
        "user_uuid": other,
        "user_handle": handle,
        "user_display_name": name,
    }
    return item_of(**attributes | more)


def message_record(
    second: int, *, by: str = LONDO, group: str = GROUP, sequence: int | None = None, **more: Any
) -> dict[str, Any]:
    """Return the stream record of a message; its sequence number is *second* by default."""
    handle, name = NAMES[by]
    attributes = item_of(
        pk=f"MSG#{group}",
        sk=timestamp(second),
        message_uuid=f"{group}-{second}",
        message=f"sent at {second}",
        user_uuid=by,
        user_handle=handle,
        user_display_name=name,
    )
    image = {name: value for name, value in (attributes | more).items() if value is not None}
    number = second if sequence is None else sequence
    return {
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {"NewImage": image, "SequenceNumber": f"{number:021}"},
    }


def failure_of(record: dict[str, Any]) -> dict[str, Any]:
    """Return the result after which Lambda retries *record* and all later ones."""
    return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}


def deliver_until_done(
    batch: Sequence[dict[str, Any]], deliver: Callable[[Sequence[dict[str, Any]]], dict[str, Any]]
) -> None:
    """Deliver like Lambda: retry from the first failed record, and the whole batch after a crash.

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
    raise AssertionError("the batch never succeeds")


class NoClient:
    """A client that must not be used."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was called")


def conversations_of(memory: LaggingTable) -> tuple[Conversations, list[float]]:
    """Return the conversations in *memory*, and the list of their delays."""
    delays: list[float] = []
    return Conversations(memory, "messages", GROUP_INDEX, sleep=delays.append), delays


def table_with(*responses: ScriptedResponse) -> LaggingTable:
    """Return a table with two conversations; LONDO participates in both."""
    items = [
        conversation_item(participant, group, second=second)
        for second, group in enumerate(PARTICIPANTS)
        for participant in PARTICIPANTS[group]
    ]
    return LaggingTable(items, list(responses))


def messages_at(second: int, group: str = GROUP) -> list[tuple[str, str, str]]:
    """Return the participant, sort key and text of both items after the message of this second."""
    return sorted(
        (participant, timestamp(second), f"sent at {second}") for participant in PARTICIPANTS[group]
    )
