"""Updates of conversations with repeated messages and an index that lags."""

from __future__ import annotations

from collections import defaultdict
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging_stream.conversations import DELAYS
from messaging_stream.handler import process
from tests.lambdas.messaging_stream.conversation_items import (
    DELENN,
    GKAR,
    GROUP,
    LONDO,
    NAMES,
    NO_FAILURES,
    OTHER,
    PARTICIPANTS,
    conversation_item,
    conversations_of,
    deliver_until_done,
    failure_of,
    message_record,
    messages_at,
    table_with,
    timestamp,
)
from tests.lambdas.messaging_stream.lagging_table import (
    LaggingTable,
    State,
)


@pytest.mark.parametrize("records", [[2, 2], [2, 3, 2], [3, 2], [3, 3, 1]], ids=str)
def test_repeated_and_late_messages(records: list[int]) -> None:
    """A repeated or late message changes nothing; the newest stays (defect 93)."""
    memory = table_with()
    conversations, _ = conversations_of(memory)

    for second in records:
        assert process([message_record(second)], conversations) == NO_FAILURES
    assert process([message_record(second) for second in records], conversations) == NO_FAILURES

    assert messages_at(max(records)) == memory.visible_messages(GROUP)


def test_one_update_per_batch() -> None:
    """One transaction updates a conversation to the newest of its messages in a batch."""
    memory = table_with()

    process([message_record(2), message_record(4), message_record(3)], conversations_of(memory)[0])

    assert messages_at(4) == memory.visible_messages(GROUP)
    assert memory.writes == 1


def test_a_failed_conversation_does_not_block_others() -> None:
    """A conversation without items is retried; others are updated, and delays occur once."""
    first_missing, second_missing = (
        f"00000000-0000-4000-8000-00000000000{number}" for number in range(2)
    )
    memory = table_with()
    conversations, delays = conversations_of(memory)
    records = [
        message_record(2),
        message_record(3, group=first_missing),
        message_record(4, by=DELENN, group=OTHER),
        message_record(5, group=second_missing),
        message_record(6, group=first_missing),
    ]

    result = process(records, conversations)

    assert failure_of(records[1]) == result
    assert (messages_at(2), messages_at(4, OTHER)) == (
        memory.visible_messages(GROUP),
        memory.visible_messages(OTHER),
    )
    assert delays == [0.0, 0.0, *DELAYS, 0.0, 0.0]


@pytest.mark.parametrize("response", ["throttle", "unreachable"])
def test_an_overload_ends_the_batch(response: str) -> None:
    """If DynamoDB is overloaded, the later conversations of the batch are not tried."""
    memory = table_with("ok", "ok", response)
    records = [
        message_record(2),
        message_record(3, by=DELENN, group=OTHER),
        message_record(4, group="x"),
    ]

    assert failure_of(records[1]) == process(records, conversations_of(memory)[0])
    assert memory.responses == []


def test_a_retry_begins_at_the_first_message() -> None:
    """A conversation is retried from its first record, even if its newest message is later."""
    records = [
        message_record(2, group=OTHER, by=LONDO),
        message_record(3),
        message_record(4),
        message_record(5),
    ]
    memory = table_with("ok", "ok", "throttle")

    assert failure_of(records[1]) == process(records, conversations_of(memory)[0])


@pytest.mark.parametrize("sk", ["zzz", "", "2026-11-20T12:00:59"])
def test_an_item_without_a_timestamp_is_updated(sk: str) -> None:
    """Items with an invalid timestamp, from before that check existed, are updated."""
    memory = LaggingTable([conversation_item(LONDO, sk=sk), conversation_item(GKAR)], [])

    assert process([message_record(2)], conversations_of(memory)[0]) == NO_FAILURES

    assert messages_at(2) == memory.visible_messages(GROUP)


@pytest.mark.parametrize(
    "responses",
    [["nothing"], ["ok", "conflict"], ["nothing", "nothing", "ok", "conflict"]],
    ids=str,
)
def test_delays_before_a_new_query(responses: list[str]) -> None:
    """After an outdated index or a conflict, the next query waits, longer each time."""
    memory = table_with(*responses)
    conversations, delays = conversations_of(memory)

    assert process([message_record(2)], conversations) == NO_FAILURES

    assert messages_at(2) == memory.visible_messages(GROUP)
    assert [0.0, *DELAYS][: len(delays)] == delays


def test_an_outdated_index_reverts_nothing() -> None:
    """An update based on an outdated item is refused; the next query returns the newer item."""
    memory = table_with()
    conversations, delays = conversations_of(memory)
    process([message_record(5)], conversations)
    delays.clear()
    memory.responses = [(1, 1, 1)]

    assert process([message_record(4)], conversations) == NO_FAILURES

    assert messages_at(5) == memory.visible_messages(GROUP)
    assert [0.0, DELAYS[0]] == delays


def test_a_concurrent_change_is_kept() -> None:
    """A change that the index does not have yet, such as a new name, is not reverted."""
    memory = table_with((1, 1, 1))
    renamed = conversation_item(LONDO, user_display_name="Citizen G'Kar")
    memory.write(renamed)

    assert process([message_record(2)], conversations_of(memory)[0]) == NO_FAILURES

    assert (
        conversation_item(LONDO, second=2, user_display_name="Citizen G'Kar")
        in memory.items.values()
    )


def test_an_item_at_both_keys() -> None:
    """If the index has an item at its old and new keys, the newer one is used without a delay."""
    memory = table_with()
    conversations, delays = conversations_of(memory)
    process([message_record(2)], conversations)
    delays.clear()
    memory.responses = ["both keys"]

    assert process([message_record(3)], conversations) == NO_FAILURES

    assert messages_at(3) == memory.visible_messages(GROUP)
    assert delays == [0.0]


messages = st.lists(
    st.tuples(st.sampled_from(sorted(PARTICIPANTS)), st.integers(2, 5), st.booleans()),
    min_size=1,
    max_size=6,
    unique_by=lambda message: message[:2],
)

responses = st.lists(
    st.tuples(*[st.integers(0, 3)] * len(NAMES))
    | st.sampled_from(
        [
            "ok",
            "both keys",
            "nothing",
            "throttle",
            "unreachable",
            "conflict",
            "crash",
            "crash after",
        ]
    ),
    max_size=20,
)


@given(messages=messages, responses=responses, data=st.data())
def test_items_end_at_the_newest_message(
    messages: list[tuple[str, int, bool]], responses: Any, data: Any
) -> None:
    """After any order, repetition and failures, each participant has one item.

    The item has the newest message and the other participant, and never returns to an older message.
    """
    numbers = count(1)
    records = [
        message_record(second, by=PARTICIPANTS[group][first], group=group, sequence=next(numbers))
        for group, second, first in messages
    ]
    again = data.draw(st.lists(st.sampled_from(range(len(records))), max_size=4), "again")
    order = data.draw(st.permutations([*range(len(records)), *again]), "order")
    size = data.draw(st.integers(1, len(order)), "batch size")
    memory = table_with(*responses)

    for start in range(0, len(order), size):
        batch = [records[number] for number in order[start : start + size]]
        deliver_until_done(batch, lambda batch: process(batch, conversations_of(memory)[0]))

    newest = defaultdict(int, {group: second for second, group in enumerate(PARTICIPANTS)})
    for group, second, _ in messages:
        newest[group] = max(newest[group], second)
    for group, participants in PARTICIPANTS.items():
        assert {
            (participant, timestamp(newest[group]), f"sent at {newest[group]}")
            for participant in participants
        } == {
            (participant, sk.partition("#")[0], text)
            for participant, sk, text in memory.visible_messages(group)
        }
    for state in memory.history[1:]:
        assert identities(memory.history[1]) == identities(state)
    for before, after in pairwise(memory.history[1:]):
        assert all(times(before)[item_key] <= time for item_key, time in times(after).items())


def identities(state: State) -> list[tuple[str, ...]]:
    """Return the participant, the conversation and the other participant of each item."""
    names = ("pk", "message_group_uuid", "user_uuid")
    return sorted(tuple(item[name]["S"] for name in names) for item in state.values())


def times(state: State) -> dict[tuple[str, str], str]:
    """Return the timestamp in the item of each participant and conversation."""
    return {
        (participant, item["message_group_uuid"]["S"]): sk.partition("#")[0]
        for (participant, sk), item in state.items()
    }
