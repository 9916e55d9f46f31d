"""The public keys of a user pool: fetched on first use, cached, and fetched again when they change."""

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
"""A function that returns the document at a URL within a timeout (s), or raises FetchError."""

ALGORITHM = "RS256"  # The only algorithm of Cognito: "Verifying JSON web tokens" in its guide.

TIMEOUT_SECONDS = 3.0  # For one fetch; API Gateway waits 10 s for the authorizer.
TTL_SECONDS = 3600.0  # After this time the keys are fetched again, so that a revoked key expires.
COOL_DOWN_SECONDS = 10.0  # Between fetches for unknown key ids: any caller can send such ids.
RETRY_SECONDS = 1.0  # Between a failed fetch and the next one while no keys are cached.

_BITS = range(2048, 8193)  # Shorter keys are too weak (NIST SP 800-131A), longer ones only slow.
_EXPONENTS = range(3, 2**32)


class FetchError(Exception):
    """The document could not be fetched; the message is the reason."""


class JwksError(Exception):
    """No key is available to check a token, which is not the caller's error."""


@dataclass(frozen=True)
class _Cached:
    """The cached keys, and times in seconds: *loaded_at* is when the keys were fetched.

    *attempted_at* is the time of the last fetch, and *error* its error, if it failed.
    *missed_at* is the time of the last fetch that did not return the requested key.
    """

    keys: Mapping[str, Key] = field(default_factory=dict)
    loaded_at: float = 0.0
    attempted_at: float = 0.0
    missed_at: float = -math.inf
    error: str = ""


class Keys:
    """A thread-safe cache of the keys at *url*.

    *clock* returns the wall-clock time: a monotonic clock may stop while Lambda freezes the process
    between two invocations.
    """

    def __init__(self, url: str, *, clock: Callable[[], float], fetch: Fetch) -> None:
        self._url = url
        self._clock = clock
        self._fetch = fetch
        self._cached = _Cached()
        self._fetching = Lock()

    def find(self, kid: str) -> Key | None:
        """Return the key with the id *kid*, or None if the pool has no such key.

        A cached key is returned even if the pool cannot be reached. Raises JwksError for an unknown
        key if the last fetch failed, because the pool may have that key.
        """
        cached = self._cached
        if kid not in cached.keys:
            if self._should_fetch(cached):
                self._renew(cached, kid, wait=True)
        elif self._has_elapsed(cached.loaded_at, TTL_SECONDS) and self._has_elapsed(
            cached.attempted_at, COOL_DOWN_SECONDS
        ):
            self._renew(cached, kid, wait=False)
        cached = self._cached
        if kid not in cached.keys and cached.error:
            raise JwksError(cached.error)
        return cached.keys.get(kid)

    def _should_fetch(self, cached: _Cached) -> bool:
        """Return whether to fetch an unknown key: not if such a fetch was a few seconds ago."""
        if cached.error:
            return self._has_elapsed(
                cached.attempted_at, COOL_DOWN_SECONDS if cached.keys else RETRY_SECONDS
            )
        return self._has_elapsed(cached.missed_at, COOL_DOWN_SECONDS)

    def _has_elapsed(self, since: float, seconds: float) -> bool:
        """Return whether *seconds* have elapsed, or the clock was set back."""
        return not 0 <= self._clock() - since < seconds

    def _renew(self, cached: _Cached, kid: str, *, wait: bool) -> None:
        """Fetch the keys, unless another thread is fetching them; *wait* for that thread if requested."""
        if not self._fetching.acquire(blocking=wait):
            return
        try:
            if self._cached is cached:
                self._cached = self._fetch_keys(cached, kid)
        finally:
            self._fetching.release()

    def _fetch_keys(self, cached: _Cached, kid: str) -> _Cached:
        try:
            keys = read(self._fetch(self._url, TIMEOUT_SECONDS))
        except (FetchError, JwksError) as error:
            return replace(cached, attempted_at=self._clock(), error=str(error))
        now = self._clock()
        return _Cached(
            keys, loaded_at=now, attempted_at=now, missed_at=-math.inf if kid in keys else now
        )


def read(document: bytes) -> dict[str, Key]:
    """Return the keys of a JWK Set (RFC 7517) that can verify access tokens, by their ids.

    Other keys in the set are ignored. Raises JwksError if none is left.
    """
    try:
        listed = json.loads(document)["keys"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise JwksError("not a JWK Set") from None
    named = [entry for entry in listed if _has_id(entry)] if isinstance(listed, list) else []
    counts = Counter(entry["kid"] for entry in named)
    keys = {entry["kid"]: _key(entry) for entry in named if counts[entry["kid"]] == 1}
    if usable := {kid: key for kid, key in keys.items() if key}:
        return usable
    raise JwksError("a JWK Set without a usable key")


def _has_id(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("kid"), str)


def _key(entry: dict[str, Any]) -> Key | None:
    """Return the key in *entry* of a JWK Set, or None if it is malformed, weak, or not for RS256."""
    if (entry.get("kty"), entry.get("use", "sig")) != ("RSA", "sig"):
        return None
    if entry.get("alg", ALGORITHM) != ALGORITHM:
        return None
    try:
        n, e = (decoded(entry[number].encode()) for number in ("n", "e"))
        if int.from_bytes(n).bit_length() not in _BITS or int.from_bytes(e) not in _EXPONENTS:
            return None
        return jwk.construct({"kty": "RSA", "n": entry["n"], "e": entry["e"]}, ALGORITHM)
    except (ValueError, LookupError, AttributeError):
        return None
