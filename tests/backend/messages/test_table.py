"""Errors of the message table, with scripted responses of DynamoDB."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from cruddur.messages.table import CONFLICT_DELAYS, ConditionsError, Table, UnavailableError
from tests.lambdas.messaging_stream.lagging_table import (
    CanceledError,
    canceled_error,
    client_error,
)

THROTTLED = [
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
]


class Client:
    """A client whose calls raise the next error of *errors*, and then succeed."""

    class exceptions:  # noqa: N801  The name in botocore.
        TransactionCanceledException = CanceledError

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def _call(self, **arguments):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return {"Items": []}

    get_item = query = transact_write_items = _call


def table_of(*errors):
    """Return a table whose calls raise *errors*, and the list of its delays."""
    delays = []
    return Table(Client(*errors), "messages", sleep=delays.append), delays


CALLS = {
    "item": lambda table: table.item("pk", "sk"),
    "newest": lambda table: table.newest("pk", before=None, limit=1),
    "write": lambda table: table.write([]),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    "error",
    [
        *map(client_error, THROTTLED),
        client_error("InternalServerError", 500),
        EndpointConnectionError(endpoint_url="http://127.0.0.1"),
        ReadTimeoutError(endpoint_url="http://127.0.0.1"),
        ResponseParserError("not JSON"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_unavailable(call, error):
    """Temporary errors of DynamoDB are UnavailableError."""
    table, _ = table_of(error)

    with pytest.raises(UnavailableError):
        call(table)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_denied(call):
    """An error that a retry does not solve is raised unchanged."""
    table, _ = table_of(client_error("AccessDeniedException"))

    with pytest.raises(ClientError, match="AccessDenied"):
        call(table)


def test_conflict():
    """A transaction that conflicts with another one is repeated after a delay."""
    table, delays = table_of(canceled_error("None", "TransactionConflict"))

    table.write([])

    assert table.client.calls == 2
    assert delays[0] == 0 < delays[1] <= CONFLICT_DELAYS[1]


def test_lasting_conflict():
    """Conflicts are retried a limited number of times."""
    conflicts = [canceled_error("TransactionConflict") for _ in CONFLICT_DELAYS]
    table, _ = table_of(*conflicts)

    with pytest.raises(UnavailableError):
        table.write([])

    assert table.client.calls == len(CONFLICT_DELAYS)


def test_conditions():
    """The error names the positions of false conditions, and conflicts do not hide them."""
    reasons = ("ConditionalCheckFailed", "None", "TransactionConflict", "ConditionalCheckFailed")
    table, _ = table_of(canceled_error(*reasons))

    with pytest.raises(ConditionsError) as refused:
        table.write([])

    assert refused.value.failed == {0, 3}


def test_throttled_transaction():
    """A transaction that is cancelled because of throttling is not written."""
    table, _ = table_of(canceled_error("None", "ThrottlingError"))

    with pytest.raises(UnavailableError):
        table.write([])


def test_invalid_transaction():
    """A cancellation for another reason is raised unchanged."""
    table, _ = table_of(canceled_error("ValidationError"))

    with pytest.raises(CanceledError):
        table.write([])
