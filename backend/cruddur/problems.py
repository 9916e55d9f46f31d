"""Errors of the API: all are application/problem+json (RFC 9457).

Raise ProblemError for an expected error: an invalid request (4xx) or an unavailable dependency (503).
Werkzeug's HTTP errors are converted. Any other exception is a bug: the traceback is logged, and the
client receives a problem with the status 500 without a description of the bug.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated

import msgspec
from flask import Flask, Response
from msgspec import Meta
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from cruddur.limits import RETRY_AFTER_SECONDS

MEDIA_TYPE = "application/problem+json"

_LOG = logging.getLogger(__name__)


class FieldError(msgspec.Struct, frozen=True):
    """An error in the request, usually in one field: a stable code for programs, and the field."""

    code: Annotated[str, Meta(description="A stable code, such as message_blank")]
    field: Annotated[
        str,
        Meta(
            description="The name of the field or parameter, or an empty string if the error"
            " belongs to no field"
        ),
    ]


class Problem(msgspec.Struct, frozen=True):
    """The body of every response with a status of 400 or more."""

    type: Annotated[
        str, Meta(description="Always about:blank: the status identifies the kind of problem")
    ]
    title: Annotated[str, Meta(description="The reason phrase of the status")]
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: Annotated[str, Meta(description="One sentence for developers")]
    errors: tuple[FieldError, ...]


class ProblemError(Exception):
    """An error that the client receives as a Problem with *status*."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


def invalid(*errors: FieldError) -> ProblemError:
    """Return the error for a request whose fields have *errors*."""
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY, "Some fields are not valid.", errors=errors
    )


def not_found(code: str, field: str, detail: str) -> ProblemError:
    """Return the error for an object that does not exist or is not visible to the user."""
    return ProblemError(HTTPStatus.NOT_FOUND, detail, errors=[FieldError(code, field)])


def unavailable(detail: str) -> ProblemError:
    """Return the error for a dependency that is not available; the client may retry."""
    return ProblemError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        detail,
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def title(status: HTTPStatus) -> str:
    """Return the reason phrase of *status*; HTTPStatus has other phrases in other Python versions."""
    return HTTP_STATUS_CODES[status.value]


def install(app: Flask) -> None:
    """Make *app* respond to every error with a Problem."""
    app.register_error_handler(ProblemError, _problem)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _bug)


def _problem(error: ProblemError) -> Response:
    return _response(error.status, error.detail, error.errors, error.headers)


def _http_error(error: HTTPException) -> Response:
    """Return the Problem for an error of Werkzeug, such as 404, 405 or 413."""
    status = HTTPStatus(error.code or 500)
    kept = {"Allow", "Retry-After"}
    headers = {name: value for name, value in error.get_headers() if name in kept}
    return _response(status, _DETAILS.get(status, f"{title(status)}."), (), headers)


def _bug(error: Exception) -> Response:
    _LOG.error("unhandled error", exc_info=error)
    return _response(HTTPStatus.INTERNAL_SERVER_ERROR, "The server has an error.", (), {})


_DETAILS = {
    HTTPStatus.NOT_FOUND: "There is no such path.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This path does not support the method.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
}


def _response(
    status: HTTPStatus, detail: str, errors: tuple[FieldError, ...], headers: Mapping[str, str]
) -> Response:
    problem = Problem("about:blank", title(status), status.value, detail, errors)
    response = Response(msgspec.json.encode(problem), status.value, mimetype=MEDIA_TYPE)
    response.headers.update(headers)
    return response
