"""A table of conversations' rows in memory, as a client, whose index lags and whose calls fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from botocore.exceptions import ClientError, EndpointConnectionError

Fault: TypeAlias = str | tuple[int, ...] | Exception
State: TypeAlias = "dict[tuple[str, str], dict[str, Any]]"


class CrashError(Exception):
    """The function's process has ended."""


class CanceledError(ClientError):
    """A transaction was refused, for a reason per action."""


def refusal(code: str, status: int = 400) -> ClientError:
    """What botocore raises where DynamoDB answers with *code*."""
    told = {"HTTPStatusCode": status}
    return ClientError({"Error": {"Code": code, "Message": ""}, "ResponseMetadata": told}, "Any")


def canceled(*codes: str) -> CanceledError:
    """What it raises for a transaction with these reasons."""
    reasons = [{"Code": code} for code in codes]
    error = {"Code": "TransactionCanceledException", "Message": ""}
    return CanceledError({"Error": error, "CancellationReasons": reasons}, "TransactWriteItems")


REASONS = {
    "conflict": "TransactionConflict",
    "invalid": "ValidationError",
    "full": "ItemCollectionSizeLimitExceeded",
    "busy": "ThrottlingError",
}


@dataclass
class LaggingTable:
    """Each call takes the next of *faults*, and after the last all is well.

    Numbers let the index show the row of one person each as it was so many transactions ago.
    """

    rows: list[dict[str, Any]]
    faults: list[Fault]

    def __post_init__(self) -> None:
        self.items = {_key(item): item for item in self.rows}
        self.past: list[State] = [{}, dict(self.items)]
        self.writes = 0

    class exceptions:  # noqa: N801  As botocore's clients have it.
        TransactionCanceledException = CanceledError

    def query(self, **asked: Any) -> dict[str, Any]:
        fault = self._fault()
        (group,) = asked["ExpressionAttributeValues"].values()
        match fault:
            case "nothing":
                return {"Items": []}
            case "HTML":  # With status 200.
                return {"ResponseMetadata": {"HTTPStatusCode": 200}}
            case "twice":
                return {"Items": _of(group["S"], self.past[-2] | self.items)}
            case tuple():
                people = sorted({item["pk"]["S"] for item in self.rows})
                seen = [self.past[-1 - min(age, len(self.past) - 1)] for age in fault]
                return {
                    "Items": [
                        item
                        for person, state in zip(people, seen, strict=True)
                        for item in _of(group["S"], state)
                        if item["pk"]["S"] == person
                    ]
                }
            case _:
                return {"Items": _of(group["S"], self.items)}

    def transact_write_items(self, **asked: Any) -> None:
        fault = self._fault()
        actions = [pair for action in asked["TransactItems"] for pair in action.items()]
        if fault == "no reasons":
            raise canceled()
        if fault in REASONS:
            raise canceled(REASONS[fault], *["None"] * (len(actions) - 1))
        codes = [
            "None" if self._holds(action) else "ConditionalCheckFailed" for _, action in actions
        ]
        if set(codes) != {"None"}:
            raise canceled(*codes)
        for kind, action in actions:
            if kind == "Put":
                self.items[_key(action["Item"])] = action["Item"]
            else:
                del self.items[_key(action["Key"])]
        self.past.append(dict(self.items))
        self.writes += 1
        if fault == "crash after":
            raise CrashError

    def change(self, row: dict[str, Any]) -> None:
        """Let somebody else write *row*."""
        self.items[_key(row)] = row
        self.past.append(dict(self.items))

    def shown(self, group: str) -> list[tuple[str, str, str]]:
        """Who sees the conversation where, and with what message."""
        rows = _of(group, self.items)
        return sorted((r["pk"]["S"][4:], r["sk"]["S"], r["message"]["S"]) for r in rows)

    def _holds(self, action: dict[str, Any]) -> bool:
        item = self.items.get(_key(action.get("Item") or action["Key"]))
        if action["ConditionExpression"] == "attribute_not_exists(pk)":
            return item is None
        names, values = action["ExpressionAttributeNames"], action["ExpressionAttributeValues"]
        clauses = [c.split(" = ") for c in action["ConditionExpression"].split(" AND ")]
        return item is not None and all(item.get(names[n]) == values[v] for n, v in clauses)

    def _fault(self) -> Fault | None:
        fault = self.faults.pop(0) if self.faults else None
        match fault:
            case "throttle":
                raise refusal("ThrottlingException")
            case "unreachable":
                raise EndpointConnectionError(endpoint_url="https://dynamodb.test")
            case "forbidden":
                raise refusal("AccessDeniedException")
            case "crash":
                raise CrashError
            case Exception():
                raise fault
        return fault


def _of(group: str, state: State) -> list[dict[str, Any]]:
    return [item for item in state.values() if item["message_group_uuid"]["S"] == group]


def _key(item: dict[str, Any]) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]
