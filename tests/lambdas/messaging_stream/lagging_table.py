"""A DynamoDB client for a table in memory, whose index can lag and whose calls can fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from botocore.exceptions import ClientError, EndpointConnectionError

ScriptedResponse: TypeAlias = str | tuple[int, ...] | Exception
State: TypeAlias = "dict[tuple[str, str], dict[str, Any]]"


class CrashError(Exception):
    """The process of the function has ended."""


class CanceledError(ClientError):
    """DynamoDB canceled a transaction, with one reason for each action."""


def client_error(code: str, status: int = 400) -> ClientError:
    """Return the exception of botocore for a response of DynamoDB with this error code."""
    metadata = {"HTTPStatusCode": status}
    return ClientError(
        {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": metadata}, "Any"
    )


def canceled_error(*codes: str) -> CanceledError:
    """Return the exception of botocore for a transaction that was canceled for these reasons."""
    reasons = [{"Code": code} for code in codes]
    error = {"Code": "TransactionCanceledException", "Message": ""}
    return CanceledError({"Error": error, "CancellationReasons": reasons}, "TransactWriteItems")


CANCELLATION_REASONS = {
    "conflict": "TransactionConflict",
    "invalid": "ValidationError",
    "full": "ItemCollectionSizeLimitExceeded",
    "busy": "ThrottlingError",
}


@dataclass
class LaggingTable:
    """A table of conversations; each call uses the next of *responses*, later calls succeed.

    A response is an error to raise, the name of a response, or a tuple with a number for each
    participant. For a tuple, the index returns the item of each participant as it was that number of
    transactions ago. `query`, `transact_write_items` and `_next_response` define the names.
    """

    initial_items: list[dict[str, Any]]
    responses: list[ScriptedResponse]

    def __post_init__(self) -> None:
        self.items = {_key(item): item for item in self.initial_items}
        self.history: list[State] = [{}, dict(self.items)]
        self.writes = 0

    class exceptions:  # noqa: N801  # The name in botocore's clients.
        TransactionCanceledException = CanceledError

    def query(self, **request: Any) -> dict[str, Any]:
        response = self._next_response()
        (group,) = request["ExpressionAttributeValues"].values()
        match response:
            case "nothing":
                return {"Items": []}
            case "HTML":  # A response with status 200 that is not from DynamoDB.
                return {"ResponseMetadata": {"HTTPStatusCode": 200}}
            case "both keys":
                return {"Items": _items_of(group["S"], self.history[-2] | self.items)}
            case tuple():
                participants = sorted({item["pk"]["S"] for item in self.initial_items})
                states = [self.history[-1 - min(age, len(self.history) - 1)] for age in response]
                return {
                    "Items": [
                        item
                        for participant, state in zip(participants, states, strict=True)
                        for item in _items_of(group["S"], state)
                        if item["pk"]["S"] == participant
                    ]
                }
            case _:
                return {"Items": _items_of(group["S"], self.items)}

    def transact_write_items(self, **request: Any) -> None:
        response = self._next_response()
        actions = [pair for action in request["TransactItems"] for pair in action.items()]
        if response == "no reasons":
            raise canceled_error()
        if response in CANCELLATION_REASONS:
            raise canceled_error(CANCELLATION_REASONS[response], *["None"] * (len(actions) - 1))
        codes = [
            "None" if self._condition_is_true(action) else "ConditionalCheckFailed"
            for _, action in actions
        ]
        if set(codes) != {"None"}:
            raise canceled_error(*codes)
        for kind, action in actions:
            if kind == "Put":
                self.items[_key(action["Item"])] = action["Item"]
            else:
                del self.items[_key(action["Key"])]
        self.history.append(dict(self.items))
        self.writes += 1
        if response == "crash after":
            raise CrashError

    def write(self, item: dict[str, Any]) -> None:
        """Write *item*, as another program would."""
        self.items[_key(item)] = item
        self.history.append(dict(self.items))

    def visible_messages(self, group: str) -> list[tuple[str, str, str]]:
        """Return the participant, the sort key and the message of each item of the conversation."""
        items = _items_of(group, self.items)
        return sorted(
            (item["pk"]["S"][4:], item["sk"]["S"], item["message"]["S"]) for item in items
        )

    def _condition_is_true(self, action: dict[str, Any]) -> bool:
        item = self.items.get(_key(action.get("Item") or action["Key"]))
        if action["ConditionExpression"] == "attribute_not_exists(pk)":
            return item is None
        names, values = action["ExpressionAttributeNames"], action["ExpressionAttributeValues"]
        clauses = [clause.split(" = ") for clause in action["ConditionExpression"].split(" AND ")]
        return item is not None and all(
            item.get(names[name]) == values[value] for name, value in clauses
        )

    def _next_response(self) -> ScriptedResponse | None:
        response = self.responses.pop(0) if self.responses else None
        match response:
            case "throttle":
                raise client_error("ThrottlingException")
            case "unreachable":
                raise EndpointConnectionError(endpoint_url="https://dynamodb.test")
            case "crash":
                raise CrashError
            case Exception():
                raise response
        return response


def _items_of(group: str, state: State) -> list[dict[str, Any]]:
    return [item for item in state.values() if item["message_group_uuid"]["S"] == group]


def _key(item: dict[str, Any]) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]
