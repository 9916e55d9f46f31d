"""Read new messages from records of the table's stream."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

PREFIX = "MSG#"

# Timestamps are compared as texts, so all must have one format: UTC, and fractions of a second, if
# any, with six digits, as Python writes them.
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?\+00:00", re.ASCII)
_SKEW = timedelta(days=1)  # A timestamp may be later than the time of storage by this much.


class MalformedError(Exception):
    """The item is not a valid message, so a retry is useless; the text is the reason."""


@dataclass(frozen=True)
class Message:
    """A message, written at the time *sk*, with the current names of its author.

    *conversation* is the id of the conversation.
    """

    conversation: str
    sk: str
    text: str
    user_uuid: str
    user_handle: str
    user_display_name: str


def message(record: Mapping[str, Any]) -> Message | None:
    """Return the new message in *record*, or None if the record is not about a new message.

    The event source mapping has a filter for new messages. This check does not rely on the filter,
    because the function must ignore the items that it writes itself. Raises MalformedError.
    """
    if record.get("eventName") != "INSERT":
        return None
    image = _object(_object(record, "dynamodb"), "NewImage")
    pk = _text(image, "pk")
    if not pk.startswith(PREFIX):
        return None
    if pk == PREFIX:
        raise MalformedError("pk has no conversation")
    sk = _text(image, "sk")
    _check_time(sk, record["dynamodb"].get("ApproximateCreationDateTime"))
    if not isinstance(record["dynamodb"].get("SequenceNumber"), str):
        raise MalformedError("SequenceNumber is missing")
    return Message(
        conversation=pk.removeprefix(PREFIX),
        sk=sk,
        text=_text(image, "message"),
        user_uuid=_text(image, "user_uuid"),
        user_handle=_text(image, "user_handle"),
        user_display_name=_text(image, "user_display_name"),
    )


def is_timestamp(text: str) -> bool:
    """Return whether *text* is a timestamp in the format that can be compared."""
    if not _TIMESTAMP.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:  # Such as 30 February.
        return False
    return True


def _check_time(sk: str, stored: object) -> None:
    """Raise MalformedError if *sk* would sort after all later messages."""
    if not is_timestamp(sk):
        raise MalformedError("sk is not a timestamp")
    if isinstance(stored, int | float):
        latest = datetime.fromtimestamp(stored, UTC) + _SKEW
        if datetime.fromisoformat(sk) > latest:
            raise MalformedError("sk is in the future")


def _object(within: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    match within.get(name):
        case Mapping() as value:
            return value
        case _:
            raise MalformedError(f"{name} is missing")


def _text(image: Mapping[str, Any], name: str) -> str:
    match image.get(name):
        case {"S": str(text)}:
            return text
        case _:
            raise MalformedError(f"{name} is not a string")
