"""The cached keys of a user pool: rotation, outages, invalid keys and concurrent use."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.fetch import fetch_document
from shared.jwks import (
    COOL_DOWN_SECONDS,
    RETRY_SECONDS,
    TIMEOUT_SECONDS,
    TTL_SECONDS,
    FetchError,
    JwksError,
    Keys,
    read,
)
from shared.tokens import RefusedError, Verifier
from tests.lambdas.access_tokens import (
    ABSENT,
    CLIENT,
    FIRST_KEY,
    NOW,
    POOL,
    REGION,
    SECOND_KEY,
    SUB,
    UNKNOWN_KEY,
    USUAL_KEYS,
    access_token,
    base64url,
    claims,
    header,
    jwk,
    jwks,
)
from tests.lambdas.scripted_server import (
    OK,
    ScriptedServer,
    serve,
)

ONLY_FIRST, ONLY_SECOND = jwks(jwk(FIRST_KEY, "first")), jwks(jwk(SECOND_KEY, "second"))
CLAIMS = claims(exp=NOW + 24 * 3600)

BY_FIRST, BY_SECOND = (
    access_token(CLAIMS),
    access_token(CLAIMS, fields=header(kid="second"), key=SECOND_KEY),
)

BY_UNKNOWN = access_token(CLAIMS, fields=header(kid="third"), key=UNKNOWN_KEY)
DOWN = FetchError("down")
CHUNKED = OK.replace(b"close", b"close\r\nTransfer-Encoding: chunked")


class ScriptedPool:
    """A user pool with scripted responses, an adjustable clock, and a verifier of its tokens."""

    def __init__(self, *responses: bytes | Exception) -> None:
        self.now = float(NOW)
        self.responses = list(responses)
        self.fetch_times: list[float] = []
        self.verifier = Verifier(REGION, POOL, CLIENT, clock=lambda: self.now, fetch=self._fetch)

    def _fetch(self, url: str, timeout: float) -> bytes:
        self.fetch_times.append(self.now - NOW)
        response = self.responses.pop(0)
        if isinstance(response, Exception):
            raise response
        return response

    def check(self, token: str) -> str:
        """Return the `sub`, the reason for a refusal, or "no keys"."""
        try:
            return self.verifier.check(token)
        except RefusedError as refused:
            return refused.reason
        except JwksError:
            return "no keys"


def test_keys_are_cached() -> None:
    """One fetch is sufficient until the time to live ends."""
    pool = ScriptedPool(USUAL_KEYS)

    for pool.now in (NOW, NOW + 1, NOW + TTL_SECONDS - 1):
        assert [pool.check(BY_FIRST), pool.check(BY_SECOND)] == [SUB, SUB]

    assert pool.fetch_times == [0]


def test_keys_are_refreshed() -> None:
    """Keys are fetched again after the time to live, so a withdrawn key becomes invalid."""
    pool = ScriptedPool(USUAL_KEYS, ONLY_SECOND, ONLY_SECOND)
    assert pool.check(BY_FIRST) == SUB

    pool.now += TTL_SECONDS

    assert [pool.check(BY_SECOND), pool.check(BY_FIRST)] == [SUB, "kid"]
    assert pool.fetch_times == [0, TTL_SECONDS, TTL_SECONDS]
    assert 3600 <= TTL_SECONDS <= 86400


def test_the_first_fetch_fails() -> None:
    """All tokens fail, and the fetch is retried after a second instead of for each token."""
    pool = ScriptedPool(DOWN, DOWN, USUAL_KEYS)

    checked = []
    for seconds in (
        0,
        0.1,
        RETRY_SECONDS - 0.1,
        RETRY_SECONDS,
        RETRY_SECONDS + 0.1,
        2 * RETRY_SECONDS,
    ):
        pool.now = NOW + seconds
        checked.append(pool.check(BY_FIRST))

    assert checked == ["no keys"] * 5 + [SUB]
    assert pool.fetch_times == [0, RETRY_SECONDS, 2 * RETRY_SECONDS]


def test_cached_keys_during_an_outage() -> None:
    """Cached keys stay valid during an outage, and are fetched at most every ten seconds."""
    pool = ScriptedPool(USUAL_KEYS, DOWN, DOWN, ONLY_SECOND)
    pool.check(BY_FIRST)

    checked = []
    for seconds in (0, 1, COOL_DOWN_SECONDS - 1, COOL_DOWN_SECONDS, COOL_DOWN_SECONDS + 1):
        pool.now = NOW + TTL_SECONDS + seconds
        checked.append(pool.check(BY_FIRST))

    assert checked == [SUB] * 5
    assert pool.fetch_times == [0, TTL_SECONDS, TTL_SECONDS + COOL_DOWN_SECONDS]


def test_rotation() -> None:
    """An unknown key id causes an immediate fetch, and the new key is valid.

    There is no delay, because no fetch was unsuccessful before.
    """
    pool = ScriptedPool(ONLY_FIRST, USUAL_KEYS)

    assert [pool.check(t) for t in (BY_FIRST, BY_SECOND, BY_FIRST)] == [SUB, SUB, SUB]
    assert pool.fetch_times == [0, 0]


def test_a_withdrawn_key() -> None:
    """A missing key causes a fetch the first time only, then one every ten seconds."""
    pool = ScriptedPool(ONLY_FIRST, ONLY_SECOND, ONLY_SECOND, ONLY_SECOND)
    assert [pool.check(BY_FIRST), pool.check(BY_SECOND)] == [SUB, SUB]

    for pool.now in range(NOW, NOW + 11):
        assert [pool.check(BY_FIRST), pool.check(BY_FIRST)] == ["kid", "kid"]

    assert pool.fetch_times == [0, 0, 0, COOL_DOWN_SECONDS]


def test_many_unknown_key_ids() -> None:
    """Any number of unknown key ids causes at most one fetch every ten seconds."""
    pool = ScriptedPool(USUAL_KEYS, USUAL_KEYS, USUAL_KEYS)

    for pool.now in range(NOW, NOW + 25):
        assert [pool.check(BY_UNKNOWN) for _ in range(3)] == ["kid"] * 3
        assert pool.check(BY_FIRST) == SUB

    assert pool.fetch_times == [0, 10, 20]


def test_an_unknown_key_id_during_an_outage() -> None:
    """During an outage a token with an unknown key id is an error, not a refusal."""
    pool = ScriptedPool(ONLY_FIRST, DOWN, USUAL_KEYS, USUAL_KEYS)
    assert pool.check(BY_FIRST) == SUB

    pool.now += COOL_DOWN_SECONDS
    assert [pool.check(t) for t in (BY_SECOND, BY_SECOND, BY_FIRST)] == ["no keys", "no keys", SUB]

    pool.now += COOL_DOWN_SECONDS
    assert [pool.check(BY_SECOND), pool.check(BY_UNKNOWN)] == [SUB, "kid"]
    assert pool.fetch_times == [0, COOL_DOWN_SECONDS, 2 * COOL_DOWN_SECONDS, 2 * COOL_DOWN_SECONDS]


def test_clock_set_back() -> None:
    """If the clock is set back, keys can still be fetched."""
    pool = ScriptedPool(ONLY_FIRST, USUAL_KEYS)
    assert pool.check(BY_FIRST) == SUB

    pool.now -= 30

    assert pool.check(BY_SECOND) == SUB


UNUSABLE = [
    b"",
    b"<html>",
    b"\xff\xfe\x00",
    b"null",
    b"[]",
    b"{}",
    b'{"keys": null}',
    b'{"keys": "keys"}',
    b'{"keys": {}}',
    b'{"keys": []}',
    b'{"keys": [null, 1, "first", []]}',
    b"[" * 60_000,
    jwks(jwk(FIRST_KEY, "first", use="enc")),
    jwks(jwk(FIRST_KEY, "first", kid=ABSENT)),
    jwks(jwk(FIRST_KEY, "first", kid=1)),
]


@pytest.mark.parametrize("size", [b"-1", b"-5", b"five", b""])
def test_cached_keys_after_an_invalid_chunk_size(size: bytes) -> None:
    """After a response with an invalid chunk size, cached keys are used without another fetch."""
    now = float(NOW)
    with serve([OK + USUAL_KEYS], [CHUNKED + size + b"\r\n" + USUAL_KEYS]) as server:
        verifier = Verifier(
            REGION, POOL, CLIENT, fetch=fetch_document, base_url=server.url, clock=lambda: now
        )
        assert verifier.check(BY_FIRST) == SUB
        now += TTL_SECONDS

        assert [verifier.check(BY_FIRST) for _ in range(3)] == [SUB] * 3

    assert len(server.requested_paths) == 2


@pytest.mark.parametrize("document", UNUSABLE)
def test_unusable_documents(document: bytes) -> None:
    """An unusable document counts as a failed fetch: cached keys stay valid."""
    assert ScriptedPool(document).check(BY_FIRST) == "no keys"

    pool = ScriptedPool(USUAL_KEYS, document)
    pool.check(BY_FIRST)
    pool.now += TTL_SECONDS

    assert pool.check(BY_FIRST) == SUB
    assert pool.fetch_times == [0, TTL_SECONDS]


def verifier_of(server: ScriptedServer) -> Verifier:
    """Return a verifier that fetches keys from *server*."""
    return Verifier(
        REGION, POOL, CLIENT, fetch=fetch_document, base_url=server.url, clock=lambda: NOW
    )


def run_concurrently(check: Callable[[int], str]) -> list[str]:
    """Return the results of eight threads that call *check* at the same time."""
    barrier = threading.Barrier(8)

    def call(number: int) -> str:
        barrier.wait()
        try:
            return check(number)
        except (JwksError, RefusedError) as error:
            return type(error).__name__

    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(call, range(8)))


def test_single_flight() -> None:
    """Eight concurrent checks cause one fetch from a slow server."""
    with serve([0.2, OK + USUAL_KEYS]) as server:
        verifier = verifier_of(server)

        assert run_concurrently(lambda _: verifier.check(BY_FIRST)) == [SUB] * 8

    assert len(server.requested_paths) == 1


def test_single_flight_fails() -> None:
    """All checks that wait for a fetch share its failure, without a fetch of their own."""
    with serve([0.2, OK.replace(b"200", b"503")]) as server:
        verifier = verifier_of(server)

        assert run_concurrently(lambda _: verifier.check(BY_FIRST)) == ["JwksError"] * 8

    assert len(server.requested_paths) == 1


def test_a_refresh_does_not_block() -> None:
    """While one thread refreshes the keys, other threads use the cached ones."""
    fetching, finished = threading.Event(), threading.Event()
    now = float(NOW)

    def fetch(url: str, timeout: float) -> bytes:
        if now > NOW:
            fetching.set()
            assert finished.wait(60)
        return USUAL_KEYS

    keys = Keys("", clock=lambda: now, fetch=fetch)
    assert keys.find("first")
    now += TTL_SECONDS
    with ThreadPoolExecutor(1) as other:
        refresh = other.submit(keys.find, "first")
        assert fetching.wait(60)

        assert keys.find("second")
        assert not refresh.done()
        finished.set()
        assert refresh.result()


def test_rotation_on_a_real_server() -> None:
    """Eight concurrent checks with a new key cause one fetch."""
    with serve([OK + ONLY_FIRST], [OK + USUAL_KEYS]) as server:
        verifier = verifier_of(server)
        assert verifier.check(BY_FIRST) == SUB
        assert run_concurrently(lambda _: verifier.check(BY_SECOND)) == [SUB] * 8

    assert [f"/{POOL}/.well-known/jwks.json"] * 2 == server.requested_paths


def test_the_timeout_of_a_fetch() -> None:
    """Two fetches and a cold start take less than the 10 s that API Gateway waits."""
    assert TIMEOUT_SECONDS <= 3


NUMBERS = st.integers(0, 2**2100) | st.integers(2**2047, 2**2048 - 1)
OCTETS = NUMBERS.map(lambda number: base64url(number.to_bytes((number.bit_length() + 7) // 8)))
VALUES = st.none() | st.booleans() | st.floats() | st.text() | st.lists(st.text()) | OCTETS


@given(st.dictionaries(st.sampled_from([*jwk(FIRST_KEY, "first"), "d", "x5c"]), VALUES))
def test_any_key(changes: dict[str, Any]) -> None:
    """An invalid key does not affect the others, and an accepted key verifies without an error.

    Python-jose raises many types of exceptions for invalid keys.
    """
    listed = jwk(FIRST_KEY, "first", **changes)

    keys = read(
        jwks(listed, jwk(SECOND_KEY, "second")) if listed.get("kid") != "second" else USUAL_KEYS
    )

    assert "second" in keys
    for key in keys.values():
        assert not key.verify(b"signed", b"signature" * 28 + b"four")


@pytest.mark.parametrize(("e", "is_valid"), [(1, False), (2, False), (3, True), (65536, False), (65537, True), (2**32 + 1, False)])  # fmt: skip
def test_exponents(e: int, is_valid: bool) -> None:
    """The exponent of a key must be odd, at least 3 and less than 2**32."""
    listed = jwk(FIRST_KEY, "first", e=base64url(e.to_bytes(5).lstrip(b"\0")))

    assert is_valid == ("first" in read(jwks(listed, jwk(SECOND_KEY, "second"))))


@pytest.mark.parametrize(("bits", "is_valid"), [(2047, False), (2048, True), (4096, True), (8193, False)])  # fmt: skip
def test_sizes(bits: int, is_valid: bool) -> None:
    """A key must have 2048 to 8192 bits."""
    n = 2**bits - 1
    listed = jwk(FIRST_KEY, "first", n=base64url(n.to_bytes((bits + 7) // 8)))

    assert is_valid == ("first" in read(jwks(listed, jwk(SECOND_KEY, "second"))))


@given(st.binary() | st.recursive(st.none() | st.text(), st.lists).map(json.dumps).map(str.encode))
def test_any_document(document: bytes) -> None:
    """A document without a valid key is an error."""
    with pytest.raises(JwksError):
        read(document)


@given(n=st.integers(2**2047, 2**2048 - 1), e=st.integers(3, 2**32 - 1))
def test_any_numbers(n: int, e: int) -> None:
    """A key with random numbers is not accepted, or verifies no signature."""
    listed = jwk(FIRST_KEY, "first", n=base64url(n.to_bytes(256)), e=base64url(e.to_bytes(4)))

    for key in read(jwks(listed, jwk(SECOND_KEY, "second"))).values():
        assert not key.verify(b"signed", b"signature" * 28 + b"four")
