"""Translate the exceptions of botocore into the errors of the deployer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigParseError,
    ConnectionError,  # noqa: A004  # botocore's base class of failed connections
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    LoginError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from deployer.errors import ClockError, CloudError, CredentialsError, UnreachableError

_NO_RESPONSE = (ConnectionError, HTTPClientError, IncompleteReadError, ResponseParserError)
_NO_CREDENTIALS = (
    ConfigParseError,
    CredentialRetrievalError,
    LoginError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
_TRANSIENT = {"Throttling", "ThrottlingException", "RequestLimitExceeded", "ServiceUnavailable"}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_REVOKED = {"InvalidClientTokenId", "UnrecognizedClientException"}
_SKEWED = {"RequestTimeTooSkewed", "RequestInTheFuture"}
_SIGNATURES = {"SignatureDoesNotMatch", "InvalidSignatureException"}  # Also for a wrong key.
_SKEW_MESSAGES = ("Signature expired", "Signature not yet current")
_RERUN = "rerun the command"


@contextmanager
def translate_errors(place: str) -> Iterator[None]:
    """Raise an exception of botocore as a DeployError about *place*.

    The clients of an `Account` do this for every call. This function is only for work of botocore
    outside of a call, such as reading the body of an S3 object.
    """
    try:
        yield
    except ClientError as error:
        raise _from_response(place, error) from error
    except _NO_RESPONSE as error:
        raise UnreachableError(
            f"{place}: no response: {error}", hint=f"check the network, then {_RERUN}"
        ) from error
    except _NO_CREDENTIALS as error:
        raise CredentialsError(f"{place}: {error}", hint=f"log in again, then {_RERUN}") from error
    except BotoCoreError as error:
        raise CloudError(f"{place}: {error}") from error


def is_clock_skew(error: Mapping[str, Any]) -> bool:
    """Return whether AWS refused a request because of the time at which it was signed."""
    code, message = error.get("Code", ""), error.get("Message", "")
    return code in _SKEWED or (code in _SIGNATURES and message.startswith(_SKEW_MESSAGES))


def _from_response(place: str, error: ClientError) -> CloudError:
    details, metadata = error.response["Error"], error.response["ResponseMetadata"]
    code, message = details.get("Code", ""), details.get("Message", "")
    if is_clock_skew({"Code": code, "Message": message}):
        skew = _describe_skew(metadata.get("HTTPHeaders", {}).get("date", ""))
        return ClockError(
            f"{place}: {error.operation_name}: {code}: the clock of this machine is {skew}",
            hint=f"set the clock (timedatectl set-ntp true), then {_RERUN}",
        )
    if code in _EXPIRED:
        return CredentialsError(
            f"{place}: the credentials have expired", hint=f"log in again, then {_RERUN}"
        )
    if code in _REVOKED:
        return CredentialsError(
            f"{place}: {code}: AWS no longer accepts the credentials",
            hint=f"log in again, then {_RERUN}",
        )
    text = f"{place}: {error.operation_name}: {code}: {message}"
    if code in _TRANSIENT or metadata.get("HTTPStatusCode", 0) >= 500:
        return UnreachableError(text, hint=f"wait, then {_RERUN}", aws_code=code)
    return CloudError(text, aws_code=code)


def _describe_skew(date: str) -> str:
    """Return by how much the clock of this machine differs from the *date* of a response."""
    try:
        aws_time = parsedate_to_datetime(date).replace(tzinfo=UTC)  # HTTP dates are in GMT.
        seconds = (datetime.now(UTC) - aws_time).total_seconds()
    except ValueError:
        return "wrong"
    minutes = round(abs(seconds) / 60)
    if not minutes:
        return "correct now, but was wrong before"
    return f"{minutes} min {'ahead of' if seconds > 0 else 'behind'} AWS"
