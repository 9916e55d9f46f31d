"""The messages that AWS would have sent by email and SMS, with their codes and links.

The newest 1,000 messages of each account are held in memory. A restart of the emulator deletes
them; users can request another code.
"""

from __future__ import annotations

import secrets
from collections import defaultdict, deque
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from emulator.message import Message
from emulator.ministack import context

_MAX_MESSAGES = 1000
_messages: dict[str, deque[Message]] = defaultdict(lambda: deque(maxlen=_MAX_MESSAGES))


def send(to: str, *, about: str, secret: str) -> None:
    """Add a message of the current account."""
    sent = datetime.now(UTC).isoformat(timespec="milliseconds")
    _messages[context.account()].append(Message(to, about, secret, sent))


def send_code(to: str, *, about: str) -> str:
    """Add a message with a random code of six digits, and return the code."""
    code = f"{secrets.randbelow(10**6):06}"
    send(to, about=about, secret=code)
    return code


def read(request: dict[str, Any]) -> list[dict[str, str]]:
    """Return the messages of the account in *request*, oldest first."""
    return [asdict(message) for message in list(_messages[request["account"]])]


def all_messages() -> list[Message]:
    """Return the messages of all accounts."""
    return [message for messages in list(_messages.values()) for message in list(messages)]
