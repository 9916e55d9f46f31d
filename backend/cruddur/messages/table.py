"""Access to the message table: queries, reads and transactions, with errors that callers expect.

| pk | sk | item |
|---|---|---|
| MSG#<conversation> | time of the message | a message and its sender |
| GRP#<user> | time of the last message | a conversation and its other user |
| CNV#<conversation> | CNV | the participants of a conversation |
| NEW#<user> | time#<conversation> | a conversation that another user started |
| KEY#<user>#<idempotency key> | KEY | the message that was sent with the key, until it expires |

After each message, the Lambda function messaging_stream updates the sort key of the GRP items.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from shared.dynamodb import TEMPORARY, temporary_errors_as

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

Item: TypeAlias = Mapping[str, Any]  # In DynamoDB's JSON: {"pk": {"S": "MSG#…"}, …}.

CONFLICT_DELAYS = (0.0, 0.02, 0.05, 0.1, 0.2)  # Seconds before each attempt of a transaction.


class UnavailableError(Exception):
    """DynamoDB throttles requests or cannot be reached. A retry may succeed."""


class ConditionsError(Exception):
    """A transaction was refused, and nothing was written.

    *failed* has the positions of the actions whose conditions are false.
    """

    def __init__(self, failed: frozenset[int]) -> None:
        super().__init__(f"the conditions of actions {sorted(failed)} are false")
        self.failed = failed


class _ConflictError(Exception):
    """Another transaction writes the same items at this moment."""


@dataclass(frozen=True)
class Table:
    """The table called *name*; *sleep* takes seconds."""

    client: DynamoDBClient
    name: str
    sleep: Callable[[float], object] = time.sleep

    def item(self, pk: str, sk: str) -> Item | None:
        """Return the item with this key, or None. Raises UnavailableError."""
        with temporary_errors_as(UnavailableError):
            response = self.client.get_item(
                TableName=self.name, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True
            )
        return response.get("Item")

    def newest(self, pk: str, *, before: str | None, limit: int) -> Sequence[Item]:
        """Return at most *limit* items of the partition, the newest first. Raises UnavailableError.

        *before* is a sort key that all returned items precede.
        """
        condition, values = "pk = :pk", {":pk": {"S": pk}}
        if before is not None:
            condition, values = f"{condition} AND sk < :sk", {**values, ":sk": {"S": before}}
        with temporary_errors_as(UnavailableError):
            response = self.client.query(
                TableName=self.name,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ScanIndexForward=False,
                ConsistentRead=True,
                Limit=limit,
            )
        return response["Items"]

    def write(self, actions: Sequence[TransactWriteItemTypeDef]) -> None:
        """Execute all *actions* or none. Raises ConditionsError and UnavailableError.

        botocore adds a client request token, so a request that it retries writes once.
        """
        for delay in CONFLICT_DELAYS:
            self.sleep(delay * random.uniform(0.5, 1))  # noqa: S311  Not a secret.
            try:
                return self._transaction(actions)
            except _ConflictError:
                continue
        raise UnavailableError("other transactions write the same items")

    def put(self, item: Item) -> TransactWriteItemTypeDef:
        """Return the action that creates *item*, on condition that its key is not in use."""
        return {
            "Put": {
                "TableName": self.name,
                "Item": item,
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }

    def check(self, pk: str, sk: str, condition: str, **values: Any) -> TransactWriteItemTypeDef:
        """Return the condition that an item with this key exists and fulfils *condition*.

        *values* are the values of the placeholders in *condition*, named without colons.
        """
        return {
            "ConditionCheck": {
                "TableName": self.name,
                "Key": {"pk": {"S": pk}, "sk": {"S": sk}},
                "ConditionExpression": condition,
                "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
            }
        }

    def _transaction(self, actions: Sequence[TransactWriteItemTypeDef]) -> None:
        try:
            with temporary_errors_as(UnavailableError):
                self.client.transact_write_items(TransactItems=actions)
        except self.client.exceptions.TransactionCanceledException as canceled:
            reasons = canceled.response.get("CancellationReasons", [])
            codes = [reason.get("Code", "None") for reason in reasons]
            if failed := {n for n, code in enumerate(codes) if code == "ConditionalCheckFailed"}:
                raise ConditionsError(frozenset(failed)) from canceled
            if "TransactionConflict" in codes:
                raise _ConflictError from canceled
            if TEMPORARY.intersection(codes):
                raise UnavailableError(", ".join(codes)) from canceled
            raise
