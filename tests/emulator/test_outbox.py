"""Messages that AWS would have sent."""

from __future__ import annotations

import pytest

from emulator import outbox
from emulator.ministack import context


def test_messages_of_one_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each account has its own messages, oldest first."""
    monkeypatch.setattr(
        outbox, "_messages", type(outbox._messages)(outbox._messages.default_factory)
    )
    for account, code in (("111111111111", "1"), ("222222222222", "2"), ("111111111111", "3")):
        with context.scope(account, "us-east-1"):
            outbox.send("ada@example.com", about="confirmation", secret=code)

    messages = outbox.read({"account": "111111111111"})

    assert [message["secret"] for message in messages] == ["1", "3"]
    assert messages[0].keys() == {"to", "about", "secret", "sent"}


def test_only_the_newest_messages_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account has at most 1,000 messages: older messages are deleted."""
    monkeypatch.setattr(
        outbox, "_messages", type(outbox._messages)(outbox._messages.default_factory)
    )
    with context.scope("111111111111", "us-east-1"):
        for number in range(1_002):
            outbox.send("ada@example.com", about="confirmation", secret=str(number))

    messages = outbox.read({"account": "111111111111"})

    assert (len(messages), messages[0]["secret"]) == (1_000, "2")
