"""Read from notifications of S3 which avatars are new."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared.avatars import avatar_id_of_key

_MAX_DIGITS = 64
_SEQUENCER = re.compile(rf"[0-9A-F]{{1,{_MAX_DIGITS}}}")


@dataclass(frozen=True)
class NewAvatar:
    """The id of a new avatar, and a version that is greater than the earlier versions."""

    avatar_uuid: str
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
            avatar_uuid = avatar_id_of_key(key)
            if avatar_uuid and _SEQUENCER.fullmatch(sequencer):
                return NewAvatar(avatar_uuid, _version(sequencer))
    return None


def _version(sequencer: str) -> str:
    """Return *sequencer* with trailing zeros, so that versions can be compared as texts.

    S3 pads the shorter of two sequencers with zeros to compare them: see the S3 user guide, Event
    message structure.
    """
    return sequencer.ljust(_MAX_DIGITS, "0")
