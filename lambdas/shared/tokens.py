"""Verify access tokens of Cognito.

python-jose verifies the signature, with a key that is valid for RS256 only. This module refuses
the invalid tokens that python-jose accepts: `tests/lambdas/authorizer/test_attacks.py` lists them.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from functools import lru_cache
from json import JSONDecoder
from typing import Any

from shared.base64url import decoded
from shared.ids import is_id
from shared.jwks import ALGORITHM, Fetch, Keys

LIMIT_BYTES = 8192  # Cognito's tokens have about 1000; API Gateway limits all headers to 10,240.

MAX_VALIDITY_SECONDS = 24 * 3600  # The maximum of AccessTokenValidity of an app client.
SKEW_SECONDS = 300  # Cognito's clock may be ahead of this one by this time.

_POOL = re.compile(r"([a-z]{2}(?:-[a-z]+)+-[0-9])_[0-9A-Za-z]{1,55}")
_CLIENT = re.compile(r"[0-9A-Za-z_+]{1,128}")
_BASE_URL = re.compile(r"https?://[^/?#@]+")

_JSON = JSONDecoder()

# Parameters that change the meaning of the others (RFC 7515, section 4.1.11; RFC 7797).
_EXTENSIONS = frozenset({"crit", "b64", "cty", "zip", "enc"})


class RefusedError(Exception):
    """The token is not valid.

    *reason* is the invalid field, or one of "length", "form" and "signature".
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Verifier:
    """Verifies the access tokens that the user pool *pool* issues to the app client *client*.

    It caches the keys of the pool, so create it once; any number of threads may share it. *fetch*
    fetches the keys, as `shared.fetch.fetch_document` does. *base_url* is the endpoint of Cognito, or
    empty for AWS.
    """

    def __init__(
        self,
        region: str,
        pool: str,
        client: str,
        *,
        fetch: Fetch,
        base_url: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        match = _POOL.fullmatch(pool)
        if not match or match[1] != region or not _CLIENT.fullmatch(client):
            raise ValueError(f"{client!r} is not a client of a pool {pool!r} in {region!r}")
        aws = f"https://cognito-idp.{region}.amazonaws.com"
        base_url = base_url.rstrip("/") or aws
        if not _BASE_URL.fullmatch(base_url):
            raise ValueError(f"{base_url!r} is not an endpoint")
        url = f"{base_url}/{pool}/.well-known/jwks.json"
        self._issuer = f"{aws}/{pool}"
        self._client = client
        self._clock = clock
        self._keys = Keys(url, clock=clock, fetch=fetch)

    def check(self, token: str) -> str:
        """Return the `sub` of the user to whom *token* was issued.

        Raises RefusedError for an invalid token, and JwksError if the keys are not available. The
        signature is verified before any claim is read.
        """
        header, claims, signature = _split(token)
        key = self._keys.find(_kid(header))
        if key is None:
            raise RefusedError("kid")
        if not key.verify(header + b"." + claims, _bytes(signature)):
            raise RefusedError("signature")
        return self._sub(_object(claims))

    def _sub(self, claims: dict[str, Any]) -> str:
        """Return the `sub` of *claims*, if they are valid for this pool, this client and this time."""
        now, sub = self._clock(), claims.get("sub")
        if claims.get("iss") != self._issuer:
            raise RefusedError("iss")
        if claims.get("token_use") != "access":
            raise RefusedError("token_use")
        if claims.get("client_id") != self._client:
            raise RefusedError("client_id")
        if "aud" in claims:  # Cognito adds it only to tokens for another resource server.
            raise RefusedError("aud")
        if not now < _seconds(claims.get("exp")) <= now + MAX_VALIDITY_SECONDS + SKEW_SECONDS:
            raise RefusedError("exp")
        if not 0 <= _seconds(claims.get("iat")) <= now + SKEW_SECONDS:
            raise RefusedError("iat")
        if "nbf" in claims and not 0 <= _seconds(claims["nbf"]) <= now:
            raise RefusedError("nbf")
        if not isinstance(sub, str) or not is_id(sub):
            raise RefusedError("sub")
        return sub


def _split(token: str) -> tuple[bytes, bytes, bytes]:
    """Return the header, the claims and the signature of *token*, still encoded."""
    if len(token) > LIMIT_BYTES:
        raise RefusedError("length")
    try:
        header, claims, signature = token.encode("ascii").split(b".")
    except ValueError:
        raise RefusedError("form") from None
    return header, claims, signature


@lru_cache(maxsize=8)  # The header of a pool's tokens stays the same for months.
def _kid(header: bytes) -> str:
    """Return the key id in *header*. Other parameters that refer to a key are ignored."""
    parameters = _object(header)
    if parameters.get("alg") != ALGORITHM:
        raise RefusedError("alg")
    if extensions := _EXTENSIONS & parameters.keys():
        raise RefusedError(min(extensions))
    kid = parameters.get("kid")
    if not isinstance(kid, str):
        raise RefusedError("kid")
    return kid


def _object(part: bytes) -> dict[str, Any]:
    """Return the JSON object that a part of a token encodes, with nothing before or after it."""
    try:
        text = _bytes(part).decode()
        value, end = _JSON.raw_decode(text)
    except (ValueError, RecursionError):
        raise RefusedError("form") from None
    if not isinstance(value, dict) or end < len(text):
        raise RefusedError("form")
    return value


def _bytes(part: bytes) -> bytes:
    try:
        return decoded(part)
    except ValueError:
        raise RefusedError("form") from None


def _seconds(claim: Any) -> float:
    """Return the time in *claim*. If it is not a time, return NaN: every comparison with it is false."""
    return claim if type(claim) in {int, float} else math.nan
