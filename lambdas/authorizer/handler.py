"""Lets the holder of a good access token call the API.

Event: a request to the HTTP API, payload format 2.0; the identity source is its header
`authorization`, which has to be `Bearer TOKEN`.

Result: `{"isAuthorized": true, "context": {"sub": …}}`, or `{"isAuthorized": false}`: 403 to the
caller. If the keys of the user pool cannot be had it raises, which is 500 to the caller. No
answer is to be kept (a result TTL of 0): a token expires, and a fault passes.

Permissions: to write its log. The keys are public.

Limits: it waits 3 s for the keys at most, a little more with the start; API Gateway waits 10 s.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from shared.fetch import fetch_jwks
from shared.jwks import JwksError
from shared.log import log
from shared.tokens import RefusedError, Verifier, endpoint


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """What API Gateway calls."""
    return answer(event, _verifier())


def answer(event: Mapping[str, Any], verifier: Verifier) -> dict[str, Any]:
    """Whether the request goes on, and for whom. Raises JwksError if that cannot be told."""
    try:
        sub = verifier.check(_token(event))
    except RefusedError as refused:
        log("refused", reason=refused.reason)
        return {"isAuthorized": False}
    except JwksError as fault:
        log("no keys", reason=str(fault))
        raise
    return {"isAuthorized": True, "context": {"sub": sub}}


@cache
def _verifier() -> Verifier:
    """Kept for as long as the process, and with it the keys."""
    return Verifier(
        os.environ["AWS_REGION"],
        os.environ["USER_POOL_ID"],
        os.environ["CLIENT_ID"],
        fetch=fetch_jwks,
        base=endpoint(os.environ),
    )


def _token(event: Mapping[str, Any]) -> str:
    """What follows `Bearer` (in any case: RFC 9110, section 11.1) and one space."""
    match event:
        case {"headers": {"authorization": str(value)}}:
            scheme, _, token = value.partition(" ")
            if scheme.lower() == "bearer":
                return token
    raise RefusedError("authorization")
