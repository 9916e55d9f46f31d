"""Says whose an access token of Cognito is, or why it is refused.

python-jose does the cryptography, with a key that is good for RS256 and nothing else. What it
would let pass is refused here: `tests/lambdas/test_authorizer.py` has the list.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from json import JSONDecoder
from typing import Any

from shared.base64url import decoded
from shared.ids import is_id
from shared.jwks import ALGORITHM, Fetch, Keys

LIMIT_BYTES = 8192  # Those of Cognito have about 1000; API Gateway takes 10,240 of headers.

LONGEST_LIFE = 24 * 3600  # Seconds; a client cannot be set to more (AccessTokenValidity).
SKEW = 300  # Seconds that the clock of Cognito may be ahead of ours.

_POOL = re.compile(r"([a-z]{2}(?:-[a-z]+)+-[0-9])_[0-9A-Za-z]{1,55}")
_CLIENT = re.compile(r"[0-9A-Za-z_+]{1,128}")
_BASE = re.compile(r"https?://[^/?#@]+")

_JSON = JSONDecoder()

# They change what the rest means, in ways we do not know (RFC 7515, section 4.1.11; RFC 7797).
_EXTENSIONS = frozenset({"crit", "b64", "cty", "zip", "enc"})


class RefusedError(Exception):
    """The token is not to be trusted.

    *reason* is the field that is not as it must be, or one of "length", "form" and "signature".
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Verifier:
    """Checks the access tokens that the app client *client* gets from the user pool *pool*.

    It keeps the keys of the pool, so it is to be kept, too; any number of threads may share it.
    *fetch* gets them, as `shared.fetch` does; *base* is where they are, if not at AWS: see
    `endpoint`.
    """

    def __init__(
        self,
        region: str,
        pool: str,
        client: str,
        *,
        fetch: Fetch,
        base: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        found = _POOL.fullmatch(pool)
        if not found or found[1] != region or not _CLIENT.fullmatch(client):
            raise ValueError(f"{client!r} is no client of a pool {pool!r} in {region!r}")
        aws = f"https://cognito-idp.{region}.amazonaws.com"
        base = base.rstrip("/") or aws
        if not _BASE.fullmatch(base):
            raise ValueError(f"{base!r} is no endpoint")
        url = f"{base}/{pool}/.well-known/jwks.json"
        self._issuer = f"{aws}/{pool}"
        self._client = client
        self._clock = clock
        self._keys = Keys(url, clock=clock, fetch=fetch)

    def check(self, token: str) -> str:
        """The `sub` of the person whose *token* this is.

        Raises RefusedError for a token that is not to be trusted, and JwksError if nobody can
        tell for want of keys. None of its claims counts before its signature is checked.
        """
        header, claims, signature = _split(token)
        key = self._keys.find(_kid(header))
        if key is None:
            raise RefusedError("kid")
        if not key.verify(header + b"." + claims, _bytes(signature)):
            raise RefusedError("signature")
        return self._sub(_object(claims))

    def _sub(self, claims: dict[str, Any]) -> str:
        """Whom *claims* of our pool speak of, if they were made for this client and for now."""
        now, sub = self._clock(), claims.get("sub")
        if claims.get("iss") != self._issuer:
            raise RefusedError("iss")
        if claims.get("token_use") != "access":
            raise RefusedError("token_use")
        if claims.get("client_id") != self._client:
            raise RefusedError("client_id")
        if "aud" in claims:  # It would be for some other resource than ours.
            raise RefusedError("aud")
        if not now < _seconds(claims.get("exp")) <= now + LONGEST_LIFE + SKEW:
            raise RefusedError("exp")
        if not 0 <= _seconds(claims.get("iat")) <= now + SKEW:
            raise RefusedError("iat")
        if "nbf" in claims and not 0 <= _seconds(claims["nbf"]) <= now:
            raise RefusedError("nbf")
        if not isinstance(sub, str) or not is_id(sub):
            raise RefusedError("sub")
        return sub


def endpoint(environ: Mapping[str, str]) -> str:
    """Where *environ* tells any SDK that Cognito is, as on the emulator; else empty."""
    return environ.get("AWS_ENDPOINT_URL_COGNITO_IDP") or environ.get("AWS_ENDPOINT_URL", "")


def _split(token: str) -> tuple[bytes, bytes, bytes]:
    """Its header, its claims and its signature, as they are written."""
    if len(token) > LIMIT_BYTES:
        raise RefusedError("length")
    try:
        header, claims, signature = token.encode("ascii").split(b".")
    except ValueError:
        raise RefusedError("form") from None
    return header, claims, signature


@lru_cache(maxsize=8)  # A pool writes the same header for months.
def _kid(header: bytes) -> str:
    """The id of the key that *header* asks for. Where else it points to is ignored."""
    said = _object(header)
    if said.get("alg") != ALGORITHM:
        raise RefusedError("alg")
    if odd := _EXTENSIONS & said.keys():
        raise RefusedError(min(odd))
    kid = said.get("kid")
    if not isinstance(kid, str):
        raise RefusedError("kid")
    return kid


def _object(part: bytes) -> dict[str, Any]:
    """The JSON object in a part of a token, which has nothing around it."""
    try:
        text = _bytes(part).decode()
        said, end = _JSON.raw_decode(text)
    except (ValueError, RecursionError):
        raise RefusedError("form") from None
    if not isinstance(said, dict) or end < len(text):
        raise RefusedError("form")
    return said


def _bytes(part: bytes) -> bytes:
    try:
        return decoded(part)
    except ValueError:
        raise RefusedError("form") from None


def _seconds(claim: Any) -> float:
    """A time of a token; NaN, which is neither before nor after anything, if it is none."""
    return claim if type(claim) in {int, float} else math.nan
