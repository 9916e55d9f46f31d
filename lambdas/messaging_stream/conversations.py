"""Moves the rows of a conversation, one for each side, to its newest message.

A row's sort key is when the last message was, so to move it is to delete it and to put another
one. Both sides' rows are moved in one transaction, whose conditions are that the old rows are
still just as they were read and that the new ones are not there. So a row is never lost, never
there twice, and never goes back in time, whoever else moves it meanwhile.

The rows are found by the index, which lags: it may show a row where it was, where it was and
where it is, or not at all. A transaction on what is no longer so is refused, and the index asked
again. It is never ahead of the table, and rows only ever move forward: one that is seen at a
message, or past it, needs nothing more.
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

Row: TypeAlias = Mapping[str, Any]  # As DynamoDB writes it: {"pk": {"S": "GRP#…"}, …}.

KEY = ("pk", "sk")
SIDES = 2

# Seconds until the index is asked again. How far it can be behind, AWS does not say.
PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)

# Why an action stops its transaction where it helps to look again (API reference, Errors).
_PASSING = {
    "None", "ConditionalCheckFailed", "TransactionConflict",
    "ThrottlingError", "ProvisionedThroughputExceeded",
}  # fmt: skip

# The errors of an overload after botocore's own retries: these, and all of 5xx.
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


_NO_ANSWER = (
    exceptions.ConnectionError, exceptions.HTTPClientError, exceptions.IncompleteReadError,
    ResponseParserError,
)  # fmt: skip


class UnsettledError(Exception):
    """The rows could not be moved, or there was no response; a retry is possible."""


class OverloadedError(UnsettledError):
    """DynamoDB has no time for us, or cannot be reached: it will be so for any conversation."""


class _OutdatedError(Exception):
    """The index was behind, or somebody else was faster: it is to be asked again.

    *crowded* are the people who have another conversation's row at the very moment of the message.
    """

    def __init__(self, why: str, crowded: Iterable[str] = ()) -> None:
        super().__init__(why)
        self.crowded = frozenset(crowded)


@dataclass(frozen=True)
class Move:
    """A row as it was read, and as it shall be. They are two items, for their keys differ."""

    old: Row
    new: Row

    @property
    def person(self) -> str:
        """Whose row it is: the key of all their conversations."""
        return _person(self.old)


@dataclass(frozen=True)
class Conversations:
    """The rows of all conversations, in *table*; *sleep* takes seconds."""

    client: DynamoDBClient
    table: str
    index: str
    sleep: Callable[[float], object] = time.sleep

    def show(self, message: Message, pauses: Iterable[float] = PAUSES) -> None:
        """Bring both sides to *message*, or leave them at a newer one. Raises UnsettledError."""
        crowded: frozenset[str] = frozenset()
        why = None
        for pause in (0.0, *pauses):
            self.sleep(pause)
            try:
                return self._move(message, crowded)
            except _OutdatedError as outdated:
                crowded, why = crowded | outdated.crowded, outdated
        raise UnsettledError(str(why)) from why

    def _move(self, message: Message, crowded: frozenset[str]) -> None:
        with _overload_passes():
            rows = self._rows(message.group)
            if todo := moves(rows, message, crowded):
                self._carry_out(todo)

    def _rows(self, group: str) -> Sequence[Row]:
        """The conversation's rows as the index has them: few and short, so always one page."""
        answer = self.client.query(
            TableName=self.table,
            IndexName=self.index,
            KeyConditionExpression="message_group_uuid = :group",
            ExpressionAttributeValues={":group": {"S": group}},
        )
        if "Items" not in answer:  # botocore accepts any text with status 200 as a response.
            raise OverloadedError("an answer without items")
        return answer["Items"]

    def _carry_out(self, todo: Sequence[Move]) -> None:
        """Move all or none. botocore gives it a token, so that it may repeat itself unharmed."""
        actions = [do for move in todo for do in (self._delete(move.old), self._put(move.new))]
        try:
            self.client.transact_write_items(TransactItems=actions)
        except self.client.exceptions.TransactionCanceledException as canceled:
            reasons = canceled.response.get("CancellationReasons", [])
            codes = [reason.get("Code", "None") for reason in reasons]
            if not _PASSING.issuperset(codes):
                raise UnsettledError(", ".join(codes)) from canceled
            raise _OutdatedError(", ".join(codes), _crowded(todo, codes)) from canceled
        except exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in _INVALID:
                raise
            raise UnsettledError(error.response["Error"]["Code"]) from error

    def _delete(self, row: Row) -> TransactWriteItemTypeDef:
        """Unless it is no longer *row*, in all that was read of it."""
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
        """Unless something is there."""
        new = "attribute_not_exists(pk)"
        return {"Put": {"TableName": self.table, "Item": row, "ConditionExpression": new}}


def moves(
    rows: Iterable[Row], message: Message, crowded: frozenset[str] = frozenset()
) -> tuple[Move, ...]:
    """What brings the *rows* of a conversation to *message*, where they show an older one."""
    sides = {_person(row): row for row in sorted(rows, key=_shown)}  # The latest row of each.
    if len(sides) < SIDES:
        raise _OutdatedError("the index has no row for each side")
    return tuple(
        Move(row, _moved(row, message, apart=person in crowded))
        for person, row in sides.items()
        if _shown(row) < message.sk
    )


def _moved(row: Row, message: Message, *, apart: bool) -> Row:
    """The row with the message; it goes on to be about the other one of the two.

    If that is who wrote, it has what they are called now (defect 100). Two conversations of one
    person cannot both be at one moment, so the second one there is put *apart*, right after it.
    """
    sk = f"{message.sk}#{message.group}" if apart else message.sk
    new = {**row, "sk": {"S": sk}, "message": {"S": message.text}}
    if row.get("user_uuid") != {"S": message.user_uuid}:
        return new
    called = {"user_handle": message.user_handle, "user_display_name": message.user_display_name}
    return new | {name: {"S": text} for name, text in called.items()}


def _person(row: Row) -> str:
    return str(row["pk"]["S"])


def _shown(row: Row) -> str:
    """Return the sort key of *row*: the time of its message, with a suffix if it was moved apart.

    A row without a valid time counts as older than any message, so that it can be replaced.
    """
    sk = str(row["sk"]["S"])
    return sk if is_timestamp(sk.partition("#")[0]) else ""


def _crowded(todo: Sequence[Move], codes: Sequence[str]) -> Iterator[str]:
    """Whose new key is taken, though the old row still stands: by another conversation, then."""
    for move, deleted, put in zip(todo, codes[::2], codes[1::2], strict=False):
        if (deleted, put) == ("None", "ConditionalCheckFailed"):
            yield move.person


@contextmanager
def _overload_passes() -> Iterator[None]:
    """Tell what gets better by itself from a mistake of ours, such as a missing permission."""
    try:
        yield
    except _NO_ANSWER as error:
        raise OverloadedError(type(error).__name__) from error
    except exceptions.ClientError as error:
        code = error.response["Error"]["Code"]
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code not in _OVERLOADED and status < _SERVER_ERROR:
            raise
        raise OverloadedError(code) from error
