"""Update the two items of a conversation, one for each participant, to its newest message.

The sort key of an item is the time of the last message, so an update deletes the item and puts a new
one. Both items are updated in one transaction, on condition that the old items are unchanged since
they were read, and that no item has a new key. So concurrent updates cannot lose or duplicate an
item, or set it back to an older message.

The items are read from a global secondary index, which is eventually consistent: it may return an
item at its old key, at both keys, or not at all. A transaction that is based on outdated items is
canceled, and the index is queried again. The index is never ahead of the table, and the time of an
item only increases, so an item that has the message, or a newer one, needs no update.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from botocore import exceptions

from messaging_stream.records import is_timestamp
from shared.dynamodb import temporary_errors_as

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from messaging_stream.records import Message

Item: TypeAlias = Mapping[str, Any]  # In DynamoDB's JSON: {"pk": {"S": "GRP#…"}, …}.

KEY = ("pk", "sk")
PARTICIPANTS = 2

# Seconds before each new query of the index. AWS does not document how far the index may lag behind.
DELAYS = (0.05, 0.1, 0.2, 0.4, 0.8)

# Cancellation reasons after which the items are read again: see TransactWriteItems, Errors, in the
# API reference.
_RETRYABLE = {
    "None", "ConditionalCheckFailed", "TransactionConflict",
    "ThrottlingError", "ProvisionedThroughputExceeded",
}  # fmt: skip

# Errors that are caused by the items of one conversation, such as an item that is too large.
_INVALID = {
    "IdempotentParameterMismatchException", "ItemCollectionSizeLimitExceededException",
    "ValidationException",
}  # fmt: skip


class NotUpdatedError(Exception):
    """The items could not be updated, or there was no response. A retry is possible."""


class UnavailableError(NotUpdatedError):
    """DynamoDB throttles requests or cannot be reached, which affects every conversation."""


class _OutdatedError(Exception):
    """The items were outdated, or changed concurrently. Read them again.

    *collisions* are the participants with another conversation that has the timestamp of the
    message, which is the sort key.
    """

    def __init__(self, reason: str, collisions: Iterable[str] = ()) -> None:
        super().__init__(reason)
        self.collisions = frozenset(collisions)


@dataclass(frozen=True)
class Update:
    """An item as it was read, and its replacement, which has another key."""

    old: Item
    new: Item

    @property
    def participant(self) -> str:
        """The partition key, which all items of the participant share."""
        return _participant(self.old)


@dataclass(frozen=True)
class Conversations:
    """The items of all conversations in *table*; *sleep* takes seconds."""

    client: DynamoDBClient
    table: str
    index: str
    sleep: Callable[[float], object] = time.sleep

    def update(self, message: Message, delays: Iterable[float] = DELAYS) -> None:
        """Update both items to *message*, unless they have a newer one. Raises NotUpdatedError."""
        collisions: frozenset[str] = frozenset()
        reason = None
        for delay in (0.0, *delays):
            self.sleep(delay)
            try:
                return self._update(message, collisions)
            except _OutdatedError as outdated:
                collisions, reason = collisions | outdated.collisions, outdated
        raise NotUpdatedError(str(reason)) from reason

    def _update(self, message: Message, collisions: frozenset[str]) -> None:
        with temporary_errors_as(UnavailableError):
            items = self._items(message.conversation)
            if pending := updates(items, message, collisions):
                self._execute(pending)

    def _items(self, conversation: str) -> Sequence[Item]:
        """Return the items of *conversation* from the index: two short items, so one page."""
        response = self.client.query(
            TableName=self.table,
            IndexName=self.index,
            KeyConditionExpression="message_group_uuid = :group",
            ExpressionAttributeValues={":group": {"S": conversation}},
        )
        if "Items" not in response:  # botocore accepts any body if the status is 200.
            raise UnavailableError("a response without items")
        return response["Items"]

    def _execute(self, pending: Sequence[Update]) -> None:
        """Update all items or none.

        botocore adds a client request token, so a retry does not apply the transaction twice.
        """
        actions = [
            action
            for update in pending
            for action in (self._delete(update.old), self._put(update.new))
        ]
        try:
            self.client.transact_write_items(TransactItems=actions)
        except self.client.exceptions.TransactionCanceledException as canceled:
            reasons = canceled.response.get("CancellationReasons", [])
            codes = [reason.get("Code", "None") for reason in reasons]
            if not _RETRYABLE.issuperset(codes):
                raise NotUpdatedError(", ".join(codes)) from canceled
            raise _OutdatedError(", ".join(codes), _collisions(pending, codes)) from canceled
        except exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in _INVALID:
                raise
            raise NotUpdatedError(error.response["Error"]["Code"]) from error

    def _delete(self, item: Item) -> TransactWriteItemTypeDef:
        """Return the deletion of *item*, on condition that it is unchanged."""
        names = [name for name in item if name not in KEY]
        return {
            "Delete": {
                "TableName": self.table,
                "Key": {name: item[name] for name in KEY},
                "ConditionExpression": " AND ".join(f"#{n} = :{n}" for n, _ in enumerate(names)),
                "ExpressionAttributeNames": {f"#{n}": name for n, name in enumerate(names)},
                "ExpressionAttributeValues": {f":{n}": item[name] for n, name in enumerate(names)},
            }
        }

    def _put(self, item: Item) -> TransactWriteItemTypeDef:
        """Return the creation of *item*, on condition that no item has its key."""
        new = "attribute_not_exists(pk)"
        return {"Put": {"TableName": self.table, "Item": item, "ConditionExpression": new}}


def updates(
    items: Iterable[Item], message: Message, collisions: frozenset[str] = frozenset()
) -> tuple[Update, ...]:
    """Return the updates of those *items* of a conversation that have an older message."""
    latest = {_participant(item): item for item in sorted(items, key=_time)}
    if len(latest) < PARTICIPANTS:
        raise _OutdatedError("the index does not have an item for each participant")
    return tuple(
        Update(item, _updated(item, message, has_collision=participant in collisions))
        for participant, item in latest.items()
        if _time(item) < message.sk
    )


def _updated(item: Item, message: Message, *, has_collision: bool) -> Item:
    """Return *item* with *message*. The item still describes the other participant.

    If the other participant wrote the message, the item gets their current names. Two conversations
    of one participant cannot have the same sort key, so on a collision the timestamp gets a suffix.
    """
    sk = f"{message.sk}#{message.conversation}" if has_collision else message.sk
    new = {**item, "sk": {"S": sk}, "message": {"S": message.text}}
    if item.get("user_uuid") != {"S": message.user_uuid}:
        return new
    names = {"user_handle": message.user_handle, "user_display_name": message.user_display_name}
    return new | {name: {"S": text} for name, text in names.items()}


def _participant(item: Item) -> str:
    return str(item["pk"]["S"])


def _time(item: Item) -> str:
    """Return the sort key of *item*: the time of its message, with a suffix after a collision.

    An item without a valid time counts as older than any message, so that it can be replaced.
    """
    sk = str(item["sk"]["S"])
    return sk if is_timestamp(sk.partition("#")[0]) else ""


def _collisions(pending: Sequence[Update], codes: Sequence[str]) -> Iterator[str]:
    """Yield the participants whose old item is unchanged, but whose new key is in use.

    In this case another conversation of the participant uses the key.
    """
    for update, deleted, put in zip(pending, codes[::2], codes[1::2], strict=False):
        if (deleted, put) == ("None", "ConditionalCheckFailed"):
            yield update.participant
