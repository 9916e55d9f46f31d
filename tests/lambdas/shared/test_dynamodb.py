"""Temporary errors of DynamoDB; each caller tests every error that it can get."""

import pytest

from shared.dynamodb import TEMPORARY, temporary_errors_as, temporary_reason
from tests.lambdas.messaging_stream.lagging_table import client_error


@pytest.mark.parametrize("code", sorted(TEMPORARY))
def test_temporary_codes(code):
    """The reason is the code."""
    assert temporary_reason(client_error(code)) == code


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException", ""])
@pytest.mark.parametrize(("status", "is_temporary"), [(400, False), (500, True), (503, True)])
def test_other_codes(code, status, is_temporary):
    """With another code only a server error is temporary."""
    assert (temporary_reason(client_error(code, status)) == code) is is_temporary


def test_other_errors():
    """An error of the program is not temporary."""
    assert temporary_reason(KeyError("x")) is None


def test_conversion_of_temporary_errors():
    """A temporary error becomes the error of the caller, with its code and its cause."""
    throttled = client_error("ThrottlingException")

    with pytest.raises(TimeoutError) as raised:
        raise_as_timeout(throttled)

    assert (str(raised.value), raised.value.__cause__) == ("ThrottlingException", throttled)


def test_other_errors_are_not_converted():
    """An error that a retry does not solve propagates unchanged."""
    denied = client_error("AccessDeniedException")

    with pytest.raises(type(denied)) as raised:
        raise_as_timeout(denied)

    assert raised.value is denied


def raise_as_timeout(error):
    with temporary_errors_as(TimeoutError):
        raise error
