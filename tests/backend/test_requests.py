"""Tests of cruddur.requests: structures that no endpoint has."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
import pytest
from flask import Flask, request
from msgspec import Meta

from cruddur import requests
from cruddur.problems import ProblemError

Short = Annotated[str, Meta(min_length=1, max_length=3)]


class Example(msgspec.Struct, frozen=True):
    """A structure with every kind of field."""

    CODES: ClassVar = {"text_exceed_max_chars": "text_too_long"}

    text: Short
    number: int
    optional: Short | None = None
    with_default: int = 7


def read(body: str) -> Example:
    with Flask("test").test_request_context(
        data=body, content_type="application/json", method="POST"
    ):
        return requests.body(request, Example)


def errors(body: str) -> list[tuple[str, str]]:
    with pytest.raises(ProblemError) as raised:
        read(body)
    return [(error.code, error.field) for error in raised.value.errors]


def test_defaults():
    """A field that is missing or null has its default."""
    assert read('{"text": "a", "number": 1}') == Example("a", 1, None, 7)
    assert read('{"text": "a", "number": 1, "optional": null, "with_default": null}') == Example(
        "a", 1
    )


def test_all_errors_are_reported_at_once():
    """All errors are reported; the original reported only the last one."""
    found = errors('{"text": "", "number": "1", "optional": "abcd", "with_default": 1.5}')

    assert found == [
        ("text_blank", "text"),
        ("number_invalid", "number"),
        ("optional_exceed_max_chars", "optional"),
        ("with_default_invalid", "with_default"),
    ]


def test_a_structure_may_name_codes():
    """Codes of the original application replace those that are derived from the field."""
    assert errors('{"text": "abcd", "number": 1}') == [("text_too_long", "text")]


@pytest.mark.parametrize("number", ["1.5", "true", '"1"', "[]", "{}"])
def test_types_are_strict(number):
    """No value is converted to the type of its field."""
    assert errors(f'{{"text": "a", "number": {number}}}') == [("number_invalid", "number")]


def test_the_content_type_may_have_parameters():
    """A charset does not matter: JSON is UTF-8 (RFC 8259, section 8.1)."""
    with Flask("test").test_request_context(
        data='{"text": "é", "number": 1}'.encode(),
        content_type="application/json; charset=latin-1",
        method="POST",
    ):
        assert requests.body(request, Example).text == "é"


def test_a_repeated_key_has_its_last_value():
    """A body has one value for each field."""
    assert read('{"text": "a", "text": "b", "number": 1}').text == "b"
