"""The user of a request, from the access token in its Authorization header.

A request without that header is anonymous. A header without a valid token is refused, also by
endpoints that allow anonymous requests: otherwise a user whose session has expired would see the
public feed and no error.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from flask import Request

from cruddur.problems import FieldError, ProblemError, unavailable
from shared.jwks import JwksError
from shared.tokens import RefusedError, Verifier


@dataclass(frozen=True)
class Identity:
    """A user whose token was verified; *cognito_user_id* is its `sub`."""

    cognito_user_id: str


def optional(request: Request, verifier: Verifier) -> Identity | None:
    """Return the user of *request*, or None without an Authorization header.

    Raises ProblemError 401 for an invalid token, and 503 if the keys of the pool are unavailable.
    """
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise _refused("token_invalid", "The authorization scheme must be Bearer.")
    try:
        return Identity(verifier.check(token))
    except RefusedError:
        raise _refused("token_invalid", "The access token is not valid, or has expired.") from None
    except JwksError:
        raise unavailable("The keys of the user pool are not available.") from None


def required(request: Request, verifier: Verifier) -> Identity:
    """Return the user of *request*. Raises ProblemError like `optional`, and 401 without a token."""
    identity = optional(request, verifier)
    if identity is None:
        # This code is the one of the original application.
        raise _refused("cognito_user_id_blank", "This path requires an access token.")
    return identity


def _refused(code: str, detail: str) -> ProblemError:
    return ProblemError(
        HTTPStatus.UNAUTHORIZED,
        detail,
        errors=[FieldError(code, "authorization")],
        headers={"WWW-Authenticate": "Bearer"},
    )
