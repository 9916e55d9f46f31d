"""Authorize requests to the API that carry a valid access token.

Event: a request to the HTTP API, payload format 2.0. The identity source is the header
`authorization`, which must be `Bearer TOKEN`.

Result: `{"isAuthorized": true, "context": {"sub": …}}`, or `{"isAuthorized": false}`, for which API
Gateway responds 403. If the keys of the user pool are not available, the function raises an error,
for which API Gateway responds 500.
API Gateway must not cache results (a TTL of 0), because tokens expire and errors are temporary.

Permissions: writing its own log. The keys are public, so fetching them needs no permission.

Limits: fetching the keys takes at most 3 s; API Gateway waits 10 s, including a cold start.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from shared.endpoints import endpoint
from shared.fetch import fetch_document
from shared.jwks import JwksError
from shared.log import log
from shared.tokens import RefusedError, Verifier


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Handle an event of API Gateway."""
    return authorize(event, _verifier())


def authorize(event: Mapping[str, Any], verifier: Verifier) -> dict[str, Any]:
    """Return the result for *event*. Raises JwksError if the keys are not available."""
    try:
        sub = verifier.check(_token(event))
    except RefusedError as refused:
        log("refused", reason=refused.reason)
        return {"isAuthorized": False}
    except JwksError as error:
        log("no keys", reason=str(error))
        raise
    return {"isAuthorized": True, "context": {"sub": sub}}


@cache
def _verifier() -> Verifier:
    """Return the verifier of this process, which caches the keys."""
    return Verifier(
        os.environ["AWS_REGION"],
        os.environ["USER_POOL_ID"],
        os.environ["CLIENT_ID"],
        fetch=fetch_document,
        base_url=endpoint(os.environ, "COGNITO_IDP"),
    )


def _token(event: Mapping[str, Any]) -> str:
    """Return the text after `Bearer` (in any case: RFC 9110, section 11.1) and one space."""
    match event:
        case {"headers": {"authorization": str(value)}}:
            scheme, _, token = value.partition(" ")
            if scheme.lower() == "bearer":
                return token
    raise RefusedError("authorization")
