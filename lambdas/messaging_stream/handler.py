"""Update the two items of a conversation when a message is written.

Event: records of the table's stream (NEW_IMAGE), in the order of the shard. Records of new messages
(pk MSG#<conversation>) are processed, all others are skipped.
Result: {"batchItemFailures": []}; on a failure, the list has the sequence number of the first
record to retry. Lambda retries that record and all records after it (ReportBatchItemFailures).
Permissions: dynamodb:Query on the index; dynamodb:PutItem and DeleteItem on the table, which
TransactWriteItems needs.
Limits: a record waits up to 1.6 s for the index, and each request to DynamoDB times out after 9 s.

Records may be delivered repeatedly and in any order: see `conversations.py`. The application writes
the items of a conversation together with its first message. So if an item is missing, the index lags
behind the table: the record is retried, and ends in the dead-letter queue if the item never appears.
A malformed record is skipped and logged, because retrying it would only block later records. A
record that DynamoDB rejects is reported as failed, so that it ends in the dead-letter queue. The
other records are processed.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import boto3
from botocore.config import Config

from messaging_stream.conversations import (
    DELAYS,
    Conversations,
    NotUpdatedError,
    UnavailableError,
)
from messaging_stream.records import MalformedError, Message, message
from shared.log import log
from shared.loggers import limit_to_info

limit_to_info()

_CONFIG = Config(
    connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3}
)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Handle an event of the stream."""
    return process(event["Records"], _conversations())


def process(records: Iterable[Mapping[str, Any]], conversations: Conversations) -> dict[str, Any]:
    """Update each conversation to its newest message in *records*; return the result for Lambda.

    A conversation that fails does not block others. After the first failure the index is queried
    without delays, because Lambda retries all later records in any case.
    """
    failures: list[str] = []
    for newest in _newest_messages(records):
        try:
            conversations.update(newest.message, () if failures else DELAYS)
        except NotUpdatedError as error:
            log(
                "not updated",
                group=newest.message.conversation,
                sequence=newest.first_sequence,
                reason=str(error),
            )
            failures.append(newest.first_sequence)
            if isinstance(error, UnavailableError):
                break
    return {"batchItemFailures": [{"itemIdentifier": sequence} for sequence in failures[:1]]}


@functools.cache
def _conversations() -> Conversations:
    """Return the conversations, with the client of this process."""
    client = boto3.client("dynamodb", config=_CONFIG)
    return Conversations(client, os.environ["TABLE_NAME"], os.environ["GROUP_INDEX_NAME"])


@dataclass(frozen=True)
class _Newest:
    """The newest message of a conversation, and the sequence number of its first record."""

    message: Message
    first_sequence: str


def _newest_messages(records: Iterable[Mapping[str, Any]]) -> Iterable[_Newest]:
    """Return the newest message of each conversation, in the order of their first records.

    With this order, all records before the first record of a failed conversation were processed.
    """
    newest: dict[str, _Newest] = {}
    for record in records:
        sequence = _sequence(record)
        new = _message(record, sequence)
        if new is None or sequence is None:
            continue
        known = newest.setdefault(new.conversation, _Newest(new, sequence))
        if known.message.sk < new.sk:
            newest[new.conversation] = replace(known, message=new)
    return newest.values()


def _sequence(record: Mapping[str, Any]) -> str | None:
    """Return the sequence number that identifies *record* in a failure report; None if missing."""
    match record:
        case {"dynamodb": {"SequenceNumber": str(sequence)}}:
            return sequence
        case _:
            return None


def _message(record: Mapping[str, Any], sequence: str | None) -> Message | None:
    try:
        return message(record)
    except MalformedError as malformed:
        log("malformed", sequence=sequence, reason=str(malformed))
        return None
