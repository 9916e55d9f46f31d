"""DynamoDB errors are retried, reported to Lambda as a failed record, or raised."""

from __future__ import annotations

import json

import botocore.session
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    HTTPClientError,
    IncompleteReadError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from messaging_stream.conversations import DELAYS
from messaging_stream.handler import process
from tests.lambdas.messaging_stream.conversation_items import (
    DELENN,
    GROUP,
    NO_FAILURES,
    OTHER,
    conversations_of,
    failure_of,
    message_record,
    messages_at,
    table_with,
)
from tests.lambdas.messaging_stream.lagging_table import (
    ScriptedResponse,
    canceled_error,
    client_error,
)

OVERLOAD_CODES = [
    "InternalServerError",
    "InternalFailure",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "LimitExceededException",
    "Throttling",
    "ThrottlingException",
    "ThrottlingError",
    "TooManyRequestsException",
    "RequestThrottled",
    "RequestTimeout",
    "RequestTimeoutException",
    "TransactionInProgressException",
    "TransactionConflictException",
    "ReplicatedWriteConflictException",
]

INVALID_CODES = [
    "ValidationException",
    "ItemCollectionSizeLimitExceededException",
    "IdempotentParameterMismatchException",
]

PERMANENT_CODES = [
    "AccessDeniedException",
    "ResourceNotFoundException",
    "UnrecognizedClientException",
    "ExpiredTokenException",
    "MissingAuthenticationTokenException",
    "SerializationException",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "UnknownOperationException",
]

NO_RESPONSE_ERRORS = [
    client_error("503", 503),
    client_error("500", 500),
    client_error("Unknown", 502),
    client_error("x", 504),
    ReadTimeoutError(endpoint_url="https://x"),
    ConnectTimeoutError(endpoint_url="https://x"),
    HTTPClientError(error="x"),
    ConnectionClosedError(endpoint_url="https://x"),
    IncompleteReadError(actual_bytes=1, expected_bytes=2),
    ResponseParserError("<html>"),
]

TEMPORARY_ERRORS = [*map(client_error, OVERLOAD_CODES), *NO_RESPONSE_ERRORS]


@pytest.mark.parametrize("before", [[], ["ok"]], ids=["query", "transaction"])
@pytest.mark.parametrize("error", TEMPORARY_ERRORS, ids=repr)
def test_temporary_errors_are_reported(before: list[str], error: Exception) -> None:
    """After any temporary error of DynamoDB or of the network, the record is retried."""
    memory = table_with(*before, error)
    record = message_record(2)

    assert failure_of(record) == process([record], conversations_of(memory)[0])


@pytest.mark.parametrize(
    "response", [*map(client_error, INVALID_CODES), "invalid", "full", "busy"], ids=repr
)
def test_a_refused_conversation_is_reported(response: ScriptedResponse) -> None:
    """The refused record is reported, for the dead-letter queue; the others are processed."""
    memory = table_with(*["ok", response] * (len(DELAYS) + 1))
    records = [message_record(2), message_record(3, by=DELENN, group=OTHER)]
    if response != "busy":  # Busy is retried with delays.
        memory.responses = ["ok", response]

    assert failure_of(records[0]) == process(records, conversations_of(memory)[0])

    assert messages_at(3, OTHER) == memory.visible_messages(OTHER)


def test_an_invalid_response_is_reported() -> None:
    """After a response such as HTML with status 200, the record is retried."""
    record = message_record(2)

    assert failure_of(record) == process([record], conversations_of(table_with("HTML"))[0])


def test_a_transaction_that_is_canceled_without_a_reason() -> None:
    """The items are read again, as after any canceled transaction."""
    memory = table_with("ok", "no reasons")

    assert process([message_record(2)], conversations_of(memory)[0]) == NO_FAILURES

    assert messages_at(2) == memory.visible_messages(GROUP)


# Cancellation reasons of a transaction (API reference, TransactWriteItems, Errors).
RETRIED_REASONS = [
    "ConditionalCheckFailed",
    "TransactionConflict",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
]

OTHER_REASONS = [
    "ValidationError",
    "ItemCollectionSizeLimitExceeded",
    "DuplicateItem",
    "AccessDenied",
]


@pytest.mark.parametrize("reason", RETRIED_REASONS)
def test_cancellation_reasons_that_are_retried(reason: str) -> None:
    """After a canceled transaction with such a reason, the items are read again and updated."""
    memory = table_with("ok", canceled_error(reason, "None", "None", "None"))
    conversations, delays = conversations_of(memory)

    assert process([message_record(2)], conversations) == NO_FAILURES

    assert messages_at(2) == memory.visible_messages(GROUP)
    assert [0.0, DELAYS[0]] == delays


@pytest.mark.parametrize("reason", OTHER_REASONS)
def test_cancellation_reasons_that_are_reported(reason: str) -> None:
    """After a canceled transaction with another reason, the record is reported immediately."""
    memory = table_with("ok", canceled_error(reason, "None", "None", "None"))
    conversations, delays = conversations_of(memory)
    record = message_record(2)

    assert failure_of(record) == process([record], conversations)

    assert messages_at(0) == memory.visible_messages(GROUP)
    assert delays == [0.0]


@pytest.mark.parametrize("before", [[], ["ok"]], ids=["query", "transaction"])
@pytest.mark.parametrize("code", PERMANENT_CODES)
def test_permanent_errors_are_raised(before: list[str], code: str) -> None:
    """An error that a retry cannot fix is raised and fails the function."""
    with pytest.raises(ClientError, match=code):
        process([message_record(2)], conversations_of(table_with(*before, client_error(code)))[0])


def test_an_invalid_query_is_raised() -> None:
    """An invalid query is an error of the function, such as a missing index."""
    with pytest.raises(ClientError, match="ValidationException"):
        process(
            [message_record(2)],
            conversations_of(table_with(client_error("ValidationException")))[0],
        )


def test_each_error_of_the_service_model_is_classified() -> None:
    """The tables above have every error that the botocore models of both calls define."""
    model = botocore.session.get_session().get_service_model("dynamodb")
    calls = [model.operation_model(name) for name in ("Query", "TransactWriteItems")]
    known = {shape.name for call in calls for shape in call.error_shapes}

    assert known - {*OVERLOAD_CODES, *INVALID_CODES, *PERMANENT_CODES} == {
        "TransactionCanceledException"
    }


@pytest.mark.parametrize(
    "responses",
    [
        ["throttle"],
        ["ok", "throttle"],
        ["unreachable"],
        ["ok", "unreachable"],
        ["nothing"] * (len(DELAYS) + 1),
        ["ok", "conflict"] * (len(DELAYS) + 1),
    ],
    ids=[
        "query",
        "transaction",
        "query, no response",
        "transaction, no response",
        "no items",
        "conflict",
    ],
)
def test_a_failed_record_is_retried_later(
    responses: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """After a temporary failure nothing is changed, and the next delivery succeeds."""
    memory = table_with(*responses)
    conversations, _ = conversations_of(memory)
    record = message_record(2)

    first = process([record], conversations)
    meanwhile = memory.visible_messages(GROUP)
    second = process([record], conversations)

    assert (failure_of(record), NO_FAILURES) == (first, second)
    assert (messages_at(0), messages_at(2)) == (meanwhile, memory.visible_messages(GROUP))
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["event"] == "not updated"
