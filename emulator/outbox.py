"""What would have been mailed: codes and links, kept for whoever plays the reader.

In memory only, the newest of each account: a restart forgets them, and a service can send anew.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from emulator import Letter, ministack

_KEPT = 1000


_boxes: dict[str, deque[Letter]] = defaultdict(lambda: deque(maxlen=_KEPT))


def send(to: str, *, about: str, secret: str) -> None:
    """Keep a message of the account in scope."""
    sent = datetime.now(UTC).isoformat(timespec="milliseconds")
    _boxes[ministack.account()].append(Letter(to, about, secret, sent))


def read(order: dict[str, Any]) -> list[dict[str, str]]:
    """Return what *order*'s account was sent, oldest first."""
    return [asdict(letter) for letter in list(_boxes[order["account"]])]
