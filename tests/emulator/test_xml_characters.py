"""Characters that XML cannot carry."""

from __future__ import annotations

from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.xml_characters import clean, clean_bytes, forbidden


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("tab\tline\nreturn\rä€😀\ufffd", None),
        ("a\x00", "U+0000"),
        ("a\x1b[31m", "U+001B"),
        ("a\ufffe", "U+FFFE"),
        ("a\ud800", "U+D800"),
    ],
)
def test_forbidden(text: str, found: str | None) -> None:
    """The first one is named; what XML 1.0 allows is left alone."""
    assert found == forbidden(text)


@given(st.text(st.characters()))
def test_clean_text(text: str) -> None:
    """Cleaned text can be read by every XML parser, and cleaning it again changes nothing."""
    cleaned = clean(text)

    ET.fromstring(f"<a>{escape(cleaned)}</a>")  # noqa: S314  It is the point.
    assert forbidden(cleaned) is None
    assert len(text) == len(cleaned)


@given(st.text(st.characters()))
def test_clean_bytes(text: str) -> None:
    """The same for what is encoded already, whose length is announced and must stay."""
    body = escape(text).encode(errors="surrogatepass")

    cleaned = clean_bytes(body)

    ET.fromstring(b"<a>" + cleaned + b"</a>")  # noqa: S314  It is the point.
    assert len(body) == len(cleaned)
