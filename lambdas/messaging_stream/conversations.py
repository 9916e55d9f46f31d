"""Update the two rows of a conversation, one for each participant, to its newest message.

The sort key of a row is the time of the last message, so an update deletes the row and puts a new
one. Both rows are updated in one transaction, on condition that the old rows are unchanged since
they were read and that the new ones do not exist. So no concurrent update can lose a row, duplicate
it, or set it back to an older message.

The rows are read from a global secondary index, which is eventually consistent: it may return a row
at its old key, at both keys, or not at all. A transaction that is based on outdated rows is refused,
and the index is queried again. The index is never ahead of the table, and the time of a row only
increases, so a row that has the message, or a newer one, needs no update.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from botocore import exceptions
from botocore.parsers import ResponseParserError

from messaging_stream.records import is_timestamp

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from messaging_stream.records import Message

Row: TypeAlias = Mapping[str, Any]  # In DynamoDB's JSON: {"pk": {"S": "GRP#…"}, …}.

KEY = ("pk", "sk")
PARTICIPANTS = 2

# Seconds before each new query of the index. AWS does not document how long it may lag.
DELAYS = (0.05, 0.1, 0.2, 0.4, 0.8)

# Cancellation reasons after which to read the rows again (API reference, TransactWriteItems, Errors).
_RETRYABLE = {
    "None", "ConditionalCheckFailed", "TransactionConflict",
    "ThrottlingError", "ProvisionedThroughputExceeded",
}  # fmt: skip

# The errors that remain after botocore's retries if DynamoDB is overloaded: these, and all of 5xx.
_OVERLOADED = {
    "InternalFailure", "InternalServerError", "LimitExceededException",
    "ProvisionedThroughputExceededException", "ReplicatedWriteConflictException",
    "RequestLimitExceeded", "RequestThrottled", "RequestTimeout", "RequestTimeoutException",
    "ServiceUnavailable", "ServiceUnavailableException", "Throttling", "ThrottlingError",
    "ThrottlingException", "TooManyRequestsException", "TransactionConflictException",
    "TransactionInProgressException",
}  # fmt: skip
_SERVER_ERROR = 500  # and above: HTTP status

# Errors that are caused by the rows of one conversation, such as a row that is too large.
_INVALID = {
    "IdempotentParameterMismatchException", "ItemCollectionSizeLimitExceededException",
    "ValidationException",
}  # fmt: skip


_NO_RESPONSE = (
    exceptions.ConnectionError, exceptions.HTTPClientError, exceptions.IncompleteReadError,
    ResponseParserError,
)  # fmt: skip


class NotUpdatedError(Exception):
    """The rows could not be updated, or there was no response. A retry is possible."""


class OverloadedError(NotUpdatedError):
    """DynamoDB is overloaded or cannot be reached, which affects every conversation."""


class _OutdatedError(Exception):
    """The rows were outdated, or changed concurrently. Read them again.

    *collisions* are the participants who have another conversation with the timestamp of the message.
    """

    def __init__(self, reason: str, collisions: Iterable[str] = ()) -> None:
        super().__init__(reason)
        self.collisions = frozenset(collisions)


@dataclass(frozen=True)
class Update:
    """A row as it was read, and its replacement, which has another key."""

    old: Row
    new: Row

    @property
    def participant(self) -> str:
        """The partition key, which all conversations of the participant share."""
        return _participant(self.old)


@dataclass(frozen=True)
class Conversations:
    """The rows of all conversations in *table*; *sleep* takes seconds."""

    client: DynamoDBClient
    table: str
    index: str
    sleep: Callable[[float], object] = time.sleep

    def update(self, message: Message, delays: Iterable[float] = DELAYS) -> None:
        """Update both rows to *message*, unless they have a newer one. Raises NotUpdatedError."""
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
        with _overload_errors():
            rows = self._rows(message.group)
            if pending := updates(rows, message, collisions):
                self._execute(pending)

    def _rows(self, group: str) -> Sequence[Row]:
        """Return the rows of the conversation in the index: few and short, so always one page."""
        response = self.client.query(
            TableName=self.table,
            IndexName=self.index,
            KeyConditionExpression="message_group_uuid = :group",
            ExpressionAttributeValues={":group": {"S": group}},
        )
        if "Items" not in response:  # botocore accepts any text with status 200 as a response.
            raise OverloadedError("a response without items")
        return response["Items"]

    def _execute(self, pending: Sequence[Update]) -> None:
        """Update all rows or none. botocore adds a client request token, so its retries are safe."""
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

    def _delete(self, row: Row) -> TransactWriteItemTypeDef:
        """Return the deletion of *row*, on condition that it is unchanged."""
        names = [name for name in row if name not in KEY]
        return {
            "Delete": {
                "TableName": self.table,
                "Key": {name: row[name] for name in KEY},
                "ConditionExpression": " AND ".join(f"#{n} = :{n}" for n, _ in enumerate(names)),
                "ExpressionAttributeNames": {f"#{n}": name for n, name in enumerate(names)},
                "ExpressionAttributeValues": {f":{n}": row[name] for n, name in enumerate(names)},
            }
        }

    def _put(self, row: Row) -> TransactWriteItemTypeDef:
        """Return the creation of *row*, on condition that no row has its key."""
        new = "attribute_not_exists(pk)"
        return {"Put": {"TableName": self.table, "Item": row, "ConditionExpression": new}}


def updates(
    rows: Iterable[Row], message: Message, collisions: frozenset[str] = frozenset()
) -> tuple[Update, ...]:
    """Return the updates of those *rows* of a conversation that have an older message."""
    latest = {_participant(row): row for row in sorted(rows, key=_time)}
    if len(latest) < PARTICIPANTS:
        raise _OutdatedError("the index does not have a row for each participant")
    return tuple(
        Update(row, _updated(row, message, has_collision=participant in collisions))
        for participant, row in latest.items()
        if _time(row) < message.sk
    )


def _updated(row: Row, message: Message, *, has_collision: bool) -> Row:
    """Return *row* with *message*. It still describes the other participant.

    If the other participant wrote the message, their current names are used (defect 100). Two
    conversations of one participant cannot have the same timestamp as the sort key, so on a
    collision a suffix is added.
    """
    sk = f"{message.sk}#{message.group}" if has_collision else message.sk
    new = {**row, "sk": {"S": sk}, "message": {"S": message.text}}
    if row.get("user_uuid") != {"S": message.user_uuid}:
        return new
    names = {"user_handle": message.user_handle, "user_display_name": message.user_display_name}
    return new | {name: {"S": text} for name, text in names.items()}


def _participant(row: Row) -> str:
    return str(row["pk"]["S"])


def _time(row: Row) -> str:
    """Return the sort key of *row*: the time of its message, with a suffix after a collision.

    A row without a valid time counts as older than any message, so that it can be replaced.
    """
    sk = str(row["sk"]["S"])
    return sk if is_timestamp(sk.partition("#")[0]) else ""


def _collisions(pending: Sequence[Update], codes: Sequence[str]) -> Iterator[str]:
    """Yield the participants whose old row is unchanged but whose new key is in use.

    So another conversation uses that key.
    """
    for update, deleted, put in zip(pending, codes[::2], codes[1::2], strict=False):
        if (deleted, put) == ("None", "ConditionalCheckFailed"):
            yield update.participant


@contextmanager
def _overload_errors() -> Iterator[None]:
    """Raise OverloadedError for temporary errors, and others, such as AccessDenied, unchanged."""
    try:
        yield
    except _NO_RESPONSE as error:
        raise OverloadedError(type(error).__name__) from error
    except exceptions.ClientError as error:
        code = error.response["Error"]["Code"]
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code not in _OVERLOADED and status < _SERVER_ERROR:
            raise
        raise OverloadedError(code) from error
