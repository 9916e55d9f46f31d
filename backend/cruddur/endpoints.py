"""Turn a function with typed parameters into a Flask view, and keep its declaration.

    @blueprint.post("/api/activities")
    @endpoint(Access.REQUIRED, tag="activities", status=HTTPStatus.CREATED)
    def create(identity: Identity, body: NewPost) -> Post: ...

The function receives the variables of the path. It may also declare these parameters: `identity`, the
user of the request; `body`, from the JSON object in the body; and `query`, from the query string. Its
result is sent as JSON, None as an empty body, and a Response of Flask unchanged.
`cruddur.openapi` generates the OpenAPI document from these declarations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar, get_type_hints

import msgspec
from flask import Response, request

from cruddur import identity, requests, services

_View = TypeVar("_View", bound=Callable[..., Any])
_ENCODER = msgspec.json.Encoder()
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


class Access(Enum):
    """The identity that an endpoint needs."""

    PUBLIC = "public"  # None: tokens are ignored.
    OPTIONAL = "optional"  # A valid token, or none.
    REQUIRED = "required"  # A valid token.


@dataclass(frozen=True)
class Operation:
    """The declaration of an endpoint, for its view and for the OpenAPI document.

    Some statuses of errors follow from the other fields; *errors* has the additional statuses.
    """

    access: Access
    tag: str
    status: HTTPStatus
    errors: frozenset[HTTPStatus]
    query: type[msgspec.Struct] | None
    body: type[msgspec.Struct] | None
    result: Any


def endpoint(
    access: Access,
    *,
    tag: str,
    status: HTTPStatus = HTTPStatus.OK,
    errors: tuple[HTTPStatus, ...] = (),
) -> Callable[[_View], Callable[..., Response]]:
    """Declare an endpoint.

    The identity is checked first, then the rate of writes, then the query string and the body.
    """

    def decorate(view: _View) -> Callable[..., Response]:
        hints = get_type_hints(view)
        query, body = hints.get("query"), hints.get("body")
        operation = Operation(access, tag, status, frozenset(errors), query, body, hints["return"])
        takes_identity = "identity" in hints

        @wraps(view)
        def respond(**arguments: Any) -> Response:
            user = _identity(access)
            if user and request.method not in SAFE_METHODS:
                services.current().write_limit.count(user)  # Raises 429 above the limit.
            if takes_identity:
                arguments["identity"] = user
            if query is not None:
                arguments["query"] = requests.query(request, query)
            if body is not None:
                arguments["body"] = requests.body(request, body)
            return _response(view(**arguments), status)

        respond.operation = operation  # type: ignore[attr-defined]
        return respond

    return decorate


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """Return the declaration of a view, or None for a view of Flask itself."""
    return getattr(view, "operation", None)


def _identity(access: Access) -> identity.Identity | None:
    if access is Access.PUBLIC:
        return None
    verifier = services.current().token_verifier
    if access is Access.OPTIONAL:
        return identity.optional(request, verifier)
    return identity.required(request, verifier)


def _response(result: Any, status: HTTPStatus) -> Response:
    if isinstance(result, Response):
        return result
    if result is None:
        return Response(status=status.value)
    return Response(_ENCODER.encode(result), status.value, mimetype="application/json")
