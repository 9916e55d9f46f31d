"""Distinguish the temporary errors of DynamoDB, after botocore's retries, from all others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from botocore import exceptions
from botocore.parsers import ResponseParserError

# The error codes of a DynamoDB that throttles or is unavailable, and such reasons for which it cancels
# a transaction: see Error handling with DynamoDB, and TransactWriteItems in the API reference.
TEMPORARY = frozenset({
    "InternalFailure", "InternalServerError", "LimitExceededException",
    "ProvisionedThroughputExceeded", "ProvisionedThroughputExceededException",
    "ReplicatedWriteConflictException", "RequestLimitExceeded", "RequestThrottled",
    "RequestTimeout", "RequestTimeoutException", "ServiceUnavailable",
    "ServiceUnavailableException", "Throttling", "ThrottlingError", "ThrottlingException",
    "TooManyRequestsException", "TransactionConflictException", "TransactionInProgressException",
})  # fmt: skip
_SERVER_ERROR = 500  # The lowest HTTP status of a server error. All server errors are temporary.
_NO_RESPONSE = (
    exceptions.ConnectionError, exceptions.HTTPClientError, exceptions.IncompleteReadError,
    ResponseParserError,
)  # fmt: skip


@contextmanager
def temporary_errors_as(kind: Callable[[str], Exception]) -> Iterator[None]:
    """Raise *kind* for temporary errors; other errors propagate, such as AccessDenied."""
    try:
        yield
    except Exception as error:
        reason = temporary_reason(error)
        if reason is None:
            raise
        raise kind(reason) from error


def temporary_reason(error: Exception) -> str | None:
    """Return the code or the type of a temporary *error*, or None if a retry would not help."""
    if isinstance(error, _NO_RESPONSE):
        return type(error).__name__
    if not isinstance(error, exceptions.ClientError):
        return None
    code = error.response["Error"]["Code"]
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code if code in TEMPORARY or status >= _SERVER_ERROR else None
