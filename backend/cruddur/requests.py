"""Read the query string and the JSON body of a request into typed structures.

All fields are checked, so the client receives all errors at once. The code of an error is the name
of the field and the kind of the error, as in the original application:

    message_blank                the field is missing, or has no visible character
    message_invalid              the type is wrong, a character is not allowed, …
    message_exceed_max_chars     the text is too long

A structure may replace codes with the ClassVar `CODES`: {"message_exceed_max_chars": "other"}.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from flask import Request
from msgspec.structs import FieldInfo
from werkzeug.exceptions import RequestEntityTooLarge

from cruddur.problems import FieldError, ProblemError, invalid

_Model = TypeVar("_Model", bound=msgspec.Struct)


def query(request: Request, model: type[_Model]) -> _Model:
    """Return the query string as *model*; unknown parameters are ignored.

    Raises ProblemError 422 with all errors.
    """
    return _converted(request.args, model, strict=False)


def body(request: Request, model: type[_Model]) -> _Model:
    """Return the JSON object in the body as *model*; unknown fields are ignored.

    Raises ProblemError: 415 for another content type, 400 for text that is not JSON, 413 for a body
    above the limit, and 422 with all errors of the fields.
    """
    if request.mimetype != "application/json":
        detail = "The content type must be application/json."
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
    try:
        fields = msgspec.json.decode(content(request))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProblemError(HTTPStatus.BAD_REQUEST, "The body is not JSON.") from None
    if not isinstance(fields, dict):
        raise invalid(FieldError("body_invalid", ""))
    return _converted(fields, model, strict=True)


def content(request: Request) -> bytes:
    """Return the body. Raises RequestEntityTooLarge above the limit of the application.

    Of a body without a declared length, Werkzeug returns only the part below the limit.
    """
    data = request.get_data(cache=False)
    limit = request.max_content_length
    if request.content_length is None and limit is not None and len(data) >= limit:
        raise RequestEntityTooLarge
    return data


def _converted(values: Mapping[str, Any], model: type[_Model], *, strict: bool) -> _Model:
    """Return *values* as *model*. Raises ProblemError 422 with all errors.

    Unless *strict*, texts are converted, such as "20" to a number.
    """
    codes: Mapping[str, str] = getattr(model, "CODES", {})
    arguments: dict[str, Any] = {}
    errors: list[FieldError] = []
    for field in _fields(model):
        try:
            arguments |= _argument(field, values, strict=strict)
        except _InvalidFieldError as error:
            code = f"{field.encode_name}_{error}"
            errors.append(FieldError(codes.get(code, code), field.encode_name))
    if errors:
        raise invalid(*errors)
    return model(**arguments)


class _InvalidFieldError(Exception):
    """A field is not valid; the message is the end of the code: blank, invalid or exceed_max_chars."""


def _argument(field: FieldInfo, values: Mapping[str, Any], *, strict: bool) -> dict[str, Any]:
    """Return {name: value} of *field*; nothing if the field is missing and not required."""
    value = values.get(field.encode_name)
    if value is None and not field.required:
        return {}
    if value is None or (field.required and isinstance(value, str) and not value.strip()):
        raise _InvalidFieldError("blank")
    try:
        return {field.name: msgspec.convert(value, field.type, strict=strict)}
    except msgspec.ValidationError as error:
        is_long = "of length <=" in str(error)
        raise _InvalidFieldError("exceed_max_chars" if is_long else "invalid") from None


@cache
def _fields(model: type[msgspec.Struct]) -> tuple[FieldInfo, ...]:
    return msgspec.structs.fields(model)
