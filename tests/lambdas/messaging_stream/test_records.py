"""Stream records that are skipped: changes that are not new messages, and malformed messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from messaging_stream import handler as handlers
from messaging_stream.conversations import Conversations
from messaging_stream.handler import process
from stacks.messages import GROUP_INDEX
from tests.lambdas.messaging_stream.conversation_items import (
    GROUP,
    LONDO,
    NO_FAILURES,
    NoClient,
    conversation_item,
    conversations_of,
    item_of,
    message_record,
    messages_at,
    table_with,
    timestamp,
)

EVENTS = Path(handlers.__file__).with_name("events")


@pytest.mark.parametrize("name", ["INSERT", "MODIFY", "REMOVE"])
def test_records_of_conversation_items_are_skipped(name: str) -> None:
    """Updates of items are skipped, even without the filter of the event source (defect 94)."""
    change = {"NewImage": conversation_item(LONDO), "SequenceNumber": "1"}

    assert (
        process(
            [{"eventName": name, "dynamodb": change}],
            Conversations(NoClient(), "messages", GROUP_INDEX),
        )
        == NO_FAILURES
    )


def test_other_changes_are_skipped() -> None:
    """Records of changed, deleted or expired messages are skipped."""
    sample = json.loads((EVENTS / "nothing_new.json").read_text())

    assert (
        process(sample["Records"], Conversations(NoClient(), "messages", GROUP_INDEX))
        == NO_FAILURES
    )


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"message": None}, "message is not a string"),
        ({"message": {"N": "7"}}, "message is not a string"),
        ({"message": {"S": 7}}, "message is not a string"),
        ({"message": "text"}, "message is not a string"),
        ({"user_uuid": None}, "user_uuid is not a string"),
        ({"user_handle": {"NULL": True}}, "user_handle is not a string"),
        ({"user_display_name": {"M": {}}}, "user_display_name is not a string"),
        ({"sk": {"N": "7"}}, "sk is not a string"),
        *(
            ({"sk": {"S": sk}}, "sk is not a timestamp")
            for sk in [
                "zzz",
                "",
                "~",
                "2026-11-20",
                "2026-11-20T12:00:07Z",
                "9999-99-99T12:00:07+00:00",
                "2026-11-20T12:00:07-05:00",
                "2026-11-20T12:00:07.5+00:00",
                f"{timestamp(7)}#x",
                f"{timestamp(7)}\n",
                "\u0669026-11-20T12:00:07+00:00",
                "2026-02-30T12:00:07+00:00",
            ]
        ),
        ({"pk": {"S": "MSG#"}}, "pk has no conversation"),
        ({"pk": {"B": "TVNHIw=="}}, "pk is not a string"),
    ],
)
def test_malformed_messages(
    attributes: dict[str, Any], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A malformed message is skipped and logged without its text; later ones are processed."""
    memory = table_with()

    result = process(
        [message_record(7, **attributes), message_record(3)], conversations_of(memory)[0]
    )

    assert result == NO_FAILURES
    assert messages_at(3) == memory.visible_messages(GROUP)
    logged = {"event": "malformed", "sequence": f"{7:021}", "reason": reason}
    assert [logged] == [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"eventName": "INSERT"}, "dynamodb is missing"),
        ({"eventName": "INSERT", "dynamodb": None}, "dynamodb is missing"),
        ({"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1"}}, "NewImage is missing"),
        (
            {
                "eventName": "INSERT",
                "dynamodb": {"SequenceNumber": "1", "Keys": item_of(pk="MSG#x")},
            },
            "NewImage is missing",
        ),
        (
            {"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1", "NewImage": []}},
            "NewImage is missing",
        ),
        (
            {
                "eventName": "INSERT",
                "dynamodb": {"NewImage": message_record(7)["dynamodb"]["NewImage"]},
            },
            "SequenceNumber is missing",
        ),
    ],
)
def test_incomplete_records(
    record: dict[str, Any], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An incomplete record, such as one with keys only, is skipped."""
    memory = table_with()

    assert process([record, message_record(3)], conversations_of(memory)[0]) == NO_FAILURES

    assert messages_at(3) == memory.visible_messages(GROUP)
    (line,) = capsys.readouterr().out.splitlines()
    assert ("malformed", reason) == (json.loads(line)["event"], json.loads(line)["reason"])


def test_an_empty_record_is_skipped() -> None:
    """A record without any fields is skipped."""
    memory = table_with()

    assert process([{}, message_record(3)], conversations_of(memory)[0]) == NO_FAILURES

    assert messages_at(3) == memory.visible_messages(GROUP)


NOON = 1795176000  # timestamp(0), in seconds


@pytest.mark.parametrize(
    ("seconds_ahead", "is_skipped"), [(0, False), (86_400, False), (86_407, True)]
)
def test_timestamps_in_the_future(*, seconds_ahead: int, is_skipped: bool) -> None:
    """A timestamp more than a day ahead is skipped, because it would sort after later messages."""
    memory = table_with()
    record = message_record(6)
    record["dynamodb"]["ApproximateCreationDateTime"] = float(NOON + 6 - seconds_ahead)

    process([record], conversations_of(memory)[0])

    assert messages_at(0 if is_skipped else 6) == memory.visible_messages(GROUP)
