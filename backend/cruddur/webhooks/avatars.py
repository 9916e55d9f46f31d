"""Read from notifications of S3 which avatars are new."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared.avatars import avatar_key

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_KEY = re.compile(re.escape(avatar_key("ID")).replace("ID", f"({_UUID})"))
_SEQUENCER = re.compile(r"[0-9A-F]{1,64}")
_LENGTH = 64


@dataclass(frozen=True)
class NewAvatar:
    """A new avatar: its id, and a version that is greater than the earlier versions."""

    avatar: str
    version: str


def new_avatars(message: str) -> Iterator[NewAvatar]:
    """Yield the new avatars in *message*, a notification of S3. Other messages are ignored.

    S3 sends a test event when the notification is configured.
    """
    try:
        event = json.loads(message)
    except (ValueError, RecursionError):
        return
    records = event.get("Records") if isinstance(event, dict) else None
    for record in records if isinstance(records, list) else ():
        if avatar := _new_avatar(record):
            yield avatar


def _new_avatar(record: Any) -> NewAvatar | None:
    match record:
        case {
            "eventName": str(name),
            "s3": {"object": {"key": str(key), "sequencer": str(sequencer)}},
        } if name.startswith("ObjectCreated:"):
            found = _KEY.fullmatch(key)
            if found and _SEQUENCER.fullmatch(sequencer):
                return NewAvatar(found[1], _version(sequencer))
    return None


def _version(sequencer: str) -> str:
    """Return *sequencer* with trailing zeros, so that later events have greater texts.

    See the S3 user guide, Event message structure.
    """
    return sequencer.ljust(_LENGTH, "0")
