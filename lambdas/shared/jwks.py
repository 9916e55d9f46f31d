"""The public keys of a user pool: fetched when first needed, kept, fetched anew when they change."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, TypeAlias

from jose import jwk
from jose.backends.base import Key

from shared.base64url import decoded

Fetch: TypeAlias = Callable[[str, float], bytes]
"""Gets the document at a URL within so many seconds, or raises FetchError."""

ALGORITHM = "RS256"  # The only one of Cognito: "Verifying JSON web tokens" in its guide.

TIMEOUT = 3.0  # Seconds for one fetch: API Gateway waits 10 for the whole authorizer.
TTL = 3600.0  # Seconds until keys are looked at again, so that a withdrawn one does not live on.
COOL_DOWN = 10.0  # Seconds after a fetch without the key: made-up key ids cause no more fetches.
RETRY = 1.0  # Seconds after a failed fetch, as long as there are no keys.

_BITS = range(2048, 8193)  # Fewer are too weak (NIST SP 800-131A), more only slow.
_EXPONENTS = range(3, 2**32)


class FetchError(Exception):
    """The document could not be had, and why."""


class JwksError(Exception):
    """There is no key to check with, and that is nobody's fault who asks."""


@dataclass(frozen=True)
class _Seen:
    """The known keys, and when they were fetched; *fault* is the error of the last fetch.

    *missed* is the time of the last fetch if the requested key was missing.
    """

    keys: Mapping[str, Key] = field(default_factory=dict)
    loaded: float = 0.0
    asked: float = 0.0
    missed: float = -math.inf
    fault: str = ""


class Keys:
    """The keys at *url*, for any number of threads.

    *clock* is that of the wall: a function that AWS froze between two calls has to notice.
    """

    def __init__(self, url: str, *, clock: Callable[[], float], fetch: Fetch) -> None:
        self._url = url
        self._clock = clock
        self._fetch = fetch
        self._seen = _Seen()
        self._flight = Lock()

    def find(self, kid: str) -> Key | None:
        """The key named *kid*, or None if the pool has no such key.

        A key that is known serves even if the pool cannot be reached. Raises JwksError for
        one that is not, if the last fetch failed: then nobody knows whether it exists.
        """
        seen = self._seen
        if kid not in seen.keys:
            if self._is_worth_a_fetch(seen):
                self._renew(seen, kid, wait=True)
        elif self._over(seen.loaded, TTL) and self._over(seen.asked, COOL_DOWN):
            self._renew(seen, kid, wait=False)
        seen = self._seen
        if kid not in seen.keys and seen.fault:
            raise JwksError(seen.fault)
        return seen.keys.get(kid)

    def _is_worth_a_fetch(self, seen: _Seen) -> bool:
        """Return whether to fetch an unknown key: not soon after a fetch that did not find it."""
        if seen.fault:
            return self._over(seen.asked, COOL_DOWN if seen.keys else RETRY)
        return self._over(seen.missed, COOL_DOWN)

    def _over(self, since: float, seconds: float) -> bool:
        """Whether *seconds* have passed; also when the clock was set back."""
        return not 0 <= self._clock() - since < seconds

    def _renew(self, seen: _Seen, kid: str, *, wait: bool) -> None:
        """Fetch the keys, or have them fetched by the thread that is at it already."""
        if not self._flight.acquire(blocking=wait):
            return
        try:
            if self._seen is seen:
                self._seen = self._asked_again(seen, kid)
        finally:
            self._flight.release()

    def _asked_again(self, seen: _Seen, kid: str) -> _Seen:
        try:
            keys = read(self._fetch(self._url, TIMEOUT))
        except (FetchError, JwksError) as fault:
            return replace(seen, asked=self._clock(), fault=str(fault))
        now = self._clock()
        return _Seen(keys, loaded=now, asked=now, missed=-math.inf if kid in keys else now)


def read(document: bytes) -> dict[str, Key]:
    """The keys of a JWK Set (RFC 7517) that may check our tokens, by their ids.

    Keys that are of no use to us may stand beside them. Raises JwksError if there are no others.
    """
    try:
        listed = json.loads(document)["keys"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise JwksError("not a set of keys") from None
    named = [one for one in listed if _has_a_name(one)] if isinstance(listed, list) else []
    times = Counter(one["kid"] for one in named)
    keys = {one["kid"]: _key(one) for one in named if times[one["kid"]] == 1}
    if usable := {kid: key for kid, key in keys.items() if key}:
        return usable
    raise JwksError("a set without a key for us")


def _has_a_name(listed: Any) -> bool:
    return isinstance(listed, dict) and isinstance(listed.get("kid"), str)


def _key(listed: dict[str, Any]) -> Key | None:
    """The key that is *listed*, unless it is for something else, or weak, or broken."""
    if (listed.get("kty"), listed.get("use", "sig")) != ("RSA", "sig"):
        return None
    if listed.get("alg", ALGORITHM) != ALGORITHM:
        return None
    try:
        n, e = (decoded(listed[number].encode()) for number in ("n", "e"))
        if int.from_bytes(n).bit_length() not in _BITS or int.from_bytes(e) not in _EXPONENTS:
            return None
        return jwk.construct({"kty": "RSA", "n": listed["n"], "e": listed["e"]}, ALGORITHM)
    except (ValueError, LookupError, AttributeError):
        return None
