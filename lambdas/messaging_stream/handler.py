"""Brings both sides' rows of a conversation to its newest message.

Event in: records of the table's stream (NEW_IMAGE), in the order of the shard. New messages
(pk MSG#<conversation>) count, all else is passed over.
Result out: {"batchItemFailures": []}, or with the sequence number of the first record that has to
be tried again; Lambda tries it and all after it (ReportBatchItemFailures), done or not.
Permissions: dynamodb:Query on the index; dynamodb:PutItem and DeleteItem on the table, which a
transaction of puts and deletes needs.
Limits: a record waits up to 1.6 s for the index, and each call of DynamoDB gives up after 9 s.

Everything may be done twice and in any order: see `conversations.py`. A conversation is written
together with its first message, so one without two rows is one that the index does not have yet;
it is tried again, and ends in the queue for failures if it never gets them.
A malformed item is skipped and logged, since it would only block the items after it. An item that
DynamoDB refuses is reported, so that it ends in the failure queue; the others are processed.
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
    PAUSES,
    Conversations,
    OverloadedError,
    UnsettledError,
)
from messaging_stream.records import MalformedError, Message, message
from shared.log import log
from shared.loggers import limit_to_info

limit_to_info()

_PATIENCE = Config(
    connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3}
)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Show what is new."""
    return show(event["Records"], _conversations())


def show(records: Iterable[Mapping[str, Any]], conversations: Conversations) -> dict[str, Any]:
    """Show the newest message of each conversation.

    One that has to wait holds up no other: nor does the batch wait for a second one.
    """
    waiting: list[str] = []
    for due in _due(records):
        try:
            conversations.show(due.message, () if waiting else PAUSES)
        except UnsettledError as unsettled:
            log("unsettled", group=due.message.group, sequence=due.since, reason=str(unsettled))
            waiting.append(due.since)
            if isinstance(unsettled, OverloadedError):
                break
    return {"batchItemFailures": [{"itemIdentifier": since} for since in waiting[:1]]}


@functools.cache
def _conversations() -> Conversations:
    """The table, through a client that is kept as long as the process."""
    client = boto3.client("dynamodb", config=_PATIENCE)
    return Conversations(client, os.environ["TABLE_NAME"], os.environ["GROUP_INDEX_NAME"])


@dataclass(frozen=True)
class _Due:
    """The newest of a conversation's messages, and the sequence number of the first of them."""

    message: Message
    since: str


def _due(records: Iterable[Mapping[str, Any]]) -> Iterable[_Due]:
    """Each conversation once, in the order of their first records: only the newest message shows.

    So if one fails, all before the first record of it is done.
    """
    due: dict[str, _Due] = {}
    for record in records:
        sequence = _sequence(record)
        new = _message(record, sequence)
        if new is None or sequence is None:
            continue
        known = due.setdefault(new.group, _Due(new, sequence))
        if known.message.sk < new.sk:
            due[new.group] = replace(known, message=new)
    return due.values()


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
