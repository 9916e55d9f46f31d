"""Reads records of the table's stream: which are of new messages, and what these say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PREFIX = "MSG#"


class MalformedError(Exception):
    """An item that no version of ours has written, and why; it does not get better by itself."""


@dataclass(frozen=True)
class Message:
    """What somebody, who is called so now, wrote at *sk* in the conversation *group*."""

    group: str
    sk: str
    text: str
    user_uuid: str
    user_handle: str
    user_display_name: str


def message(record: Mapping[str, Any]) -> Message | None:
    """The new message that *record* is of, or None if it is of anything else.

    The stream is filtered to new messages; that is not relied on, since a row that we write
    must never call us again (defect 94). Raises MalformedError.
    """
    if record["eventName"] != "INSERT":
        return None
    image = record["dynamodb"]["NewImage"]
    pk = _text(image, "pk")
    if not pk.startswith(PREFIX):
        return None
    sk = _text(image, "sk")
    if pk == PREFIX:
        raise MalformedError("it is of no conversation")
    return Message(
        group=pk.removeprefix(PREFIX),
        sk=sk,
        text=_text(image, "message"),
        user_uuid=_text(image, "user_uuid"),
        user_handle=_text(image, "user_handle"),
        user_display_name=_text(image, "user_display_name"),
    )


def _text(image: Mapping[str, Any], name: str) -> str:
    match image.get(name):
        case {"S": str(text)}:
            return text
        case _:
            raise MalformedError(f"{name} is not a text")
