"""Characters that XML does not allow."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import botocore.exceptions
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.xml_characters import clean, clean_bytes, forbidden
from tests.emulator_server import Aws


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
    """The first forbidden character is returned; all others are allowed."""
    assert found == forbidden(text)


@given(st.text(st.characters()))
def test_clean_text(text: str) -> None:
    """An XML parser can read cleaned text, which has no forbidden characters left."""
    cleaned = clean(text)

    ET.fromstring(f"<a>{escape(cleaned)}</a>")  # noqa: S314  The test is about this parser.
    assert forbidden(cleaned) is None
    assert len(text) == len(cleaned)


@given(st.text(st.characters()))
def test_clean_bytes(text: str) -> None:
    """An XML parser can read cleaned bytes, whose length is unchanged because it was sent before."""
    body = escape(text).encode(errors="surrogatepass")

    cleaned = clean_bytes(body)

    ET.fromstring(b"<a>" + cleaned + b"</a>")  # noqa: S314  The test is about this parser.
    assert len(body) == len(cleaned)


def test_expanding_entities(aws: Aws) -> None:
    """XML with entities that expand a billion times is refused like invalid XML.

    The client stops waiting after its timeout, long before they would be expanded.
    """
    s3 = aws.client("s3")
    location = {"LocationConstraint": "ca-central-1"}
    s3.create_bucket(Bucket="laughs", CreateBucketConfiguration=location)
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    body = f'<!DOCTYPE t [<!ENTITY l0 "ha">{levels}]><Tagging>&l9;</Tagging>'

    def replace(params: dict[str, Any], **_: Any) -> None:
        params["body"] = body.encode()

    s3.meta.events.register("before-call.s3.PutBucketTagging", replace)
    with pytest.raises(botocore.exceptions.ClientError):
        s3.put_bucket_tagging(Bucket="laughs", Tagging={"TagSet": []})

    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["laughs"]
