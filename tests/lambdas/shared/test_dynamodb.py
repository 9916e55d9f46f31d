"""Temporary errors of DynamoDB; the tests of its users have one for each error."""

import pytest

from shared.dynamodb import TEMPORARY, temporary_reason
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
