"""The site has a text for every code of an error, and its limits are those of the API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from cruddur import limits, openapi
from cruddur.app import create_app
from cruddur.endpoints import operation_of

ROOT = Path(__file__).parents[2]
SITE = ROOT / "frontend" / "src"
_RAISED = re.compile(r'\b(?:FieldError|not_found|_refused)\(\s*"([a-z_0-9]+)"')
_UPLOAD = re.compile(r'"((?:body|extension|size)_[a-z_]+)"')


def texts(table: str) -> set[str]:
    """Return the codes in a table of errors.ts."""
    source = (SITE / "errors.ts").read_text()
    content = source.partition(f"export const {table}")[2].partition("\n};")[0]
    return set(re.findall(r"^  (\w+):", content, re.MULTILINE))


def codes_of_fields() -> Iterator[str]:
    """Yield the codes of invalid queries and bodies."""
    for view in create_app(openapi._EXAMPLE).view_functions.values():
        operation = operation_of(view)
        for model in (operation.query, operation.body) if operation else ():
            if model:
                codes = getattr(model, "CODES", {})
                yield from (codes.get(code, code) for code in codes_of(model))


def codes_of(model: type[msgspec.Struct]) -> Iterator[str]:
    """Yield the codes of the fields of one query or body, before CODES replaces them."""
    for field in msgspec.structs.fields(model):
        yield f"{field.encode_name}_invalid"
        if field.required:
            yield f"{field.encode_name}_blank"
        if "maxLength" in str(msgspec.json.schema(field.type)):
            yield f"{field.encode_name}_exceed_max_chars"


def raised_codes() -> Iterator[str]:
    """Yield the codes that the modules of the API raise, except for those of webhooks."""
    package = ROOT / "backend" / "cruddur"
    for module in package.rglob("*.py"):
        if "webhooks" not in module.parts:
            yield from _RAISED.findall(module.read_text())


def test_every_code_of_the_api_has_a_text() -> None:
    """There is no code without a text, and no text without a code."""
    assert texts("API_TEXTS") == {*codes_of_fields(), *raised_codes()}


def test_every_code_of_the_upload_api_has_a_text() -> None:
    """The function upload_url returns no other codes."""
    handler = (ROOT / "lambdas" / "upload_url" / "handler.py").read_text()

    assert texts("UPLOAD_TEXTS") == set(_UPLOAD.findall(handler))


def test_limits_and_lifetimes_are_those_of_the_api() -> None:
    """Counters count to the limits of the API, and a form offers all lifetimes."""
    source = (SITE / "api" / "limits.ts").read_text()
    numbers = {name: int(value) for name, value in re.findall(r"const (\w+) = (\d+);", source)}

    assert numbers == {
        "POST_CHARACTERS": limits.POST_CHARACTERS,
        "TEXT_CHARACTERS": limits.REPLY_CHARACTERS,
        "NAME_CHARACTERS": limits.DISPLAY_NAME_CHARACTERS,
        "HANDLE_CHARACTERS": limits.HANDLE_CHARACTERS,
        "TERM_CHARACTERS": limits.SEARCH_TERM_CHARACTERS,
    }
    assert limits.REPLY_CHARACTERS == limits.DIRECT_MESSAGE_CHARACTERS == limits.BIO_CHARACTERS
    assert re.findall(r'value: "([\w-]+)"', source) == list(limits.LIFETIMES)
