"""Base64url without padding."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.base64url import decoded
from tests.lambdas.access_tokens import (
    base64url,
)


@given(st.binary())
def test_round_trip(data: bytes) -> None:
    """Encoded data is decoded to the same bytes."""
    assert data == decoded(base64url(data).encode())


@given(st.text("AQgw04-_+/=! \n\0", max_size=9) | st.text(max_size=9))
def test_one_encoding(text: str) -> None:
    """Only the canonical encoding of data is decoded; any other text is refused."""
    try:
        data = decoded(text.encode())
    except ValueError:
        return
    assert text == base64url(data)
