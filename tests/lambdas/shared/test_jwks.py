"""The keys of a pool: from servers that are slow, hostile or down, when they change, for many at once."""

from __future__ import annotations

import gc
import json
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.base64url import decoded
from shared.fetch import LIMIT_BYTES, TRANSFER_LIMIT_BYTES, fetch_jwks
from shared.jwks import COOL_DOWN, RETRY, TIMEOUT, TTL, FetchError, JwksError, Keys, read
from shared.tokens import RefusedError, Verifier
from tests.lambdas.access_tokens import (
    ABSENT,
    CLIENT,
    FIRST,
    NOW,
    POOL,
    REGION,
    SECOND,
    STRANGERS,
    SUB,
    USUAL_KEYS,
    b64,
    claims,
    header,
    jwk,
    jwks,
    made,
)
from tests.lambdas.scripted_server import (
    OK,
    SILENCE,
    SLOW_BYTES,
    ScriptedServer,
    self_signed,
    serve,
)

SOON = 0.3  # Seconds that a test is ready to wait where a function waits for three.
LATE = "took longer|timed out"  # Either may see it first.

FIRST_ALONE, SECOND_ALONE = jwks(jwk(FIRST, "first")), jwks(jwk(SECOND, "second"))
LONG = claims(exp=NOW + 24 * 3600)
BY_FIRST, BY_SECOND = made(LONG), made(LONG, fields=header(kid="second"), key=SECOND)
BY_NOBODY = made(LONG, fields=header(kid="third"), key=STRANGERS)

DOWN = FetchError("down")


def sized(length: int) -> bytes:
    return OK.replace(b"close\r\n", b"close\r\nContent-Length: %d\r\n" % length)


@pytest.mark.parametrize(
    "answer",
    [
        [OK + USUAL_KEYS],
        [sized(len(USUAL_KEYS)), USUAL_KEYS],
        [OK, *(bytes([byte]) for byte in USUAL_KEYS)],
        [OK.replace(b"close", b"close\r\nTransfer-Encoding: chunked"), b"%x\r\n" % len(USUAL_KEYS), USUAL_KEYS, b"\r\n0\r\n\r\n"],
    ],
    ids=["to the end", "with its length", "in bytes", "in chunks"],
)  # fmt: skip
def test_fetched(answer: Any) -> None:
    with serve(answer) as there:
        assert USUAL_KEYS == fetch_jwks(f"{there.url}/pool/jwks.json", 3.0)

    assert ["/pool/jwks.json"] == there.requested_paths


CHUNKED = OK.replace(b"close", b"close\r\nTransfer-Encoding: chunked")
# One that lies has all that could follow, so that what is read is what is asked for.
FLOOD = b" " * (2 * TRANSFER_LIMIT_BYTES)
LONG_NAMES = b"1;" + b"x" * 65_000 + b"\r\n \r\n"  # Of one byte, with as much about it.
TRAILERS = b"0\r\n" + b"X: x\r\n" * TRANSFER_LIMIT_BYTES

REDIRECT = b"HTTP/1.1 %s\r\nLocation: /elsewhere\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ([REDIRECT % b"301 Moved Permanently"], "status 301"),
        ([REDIRECT % b"302 Found"], "status 302"),
        ([REDIRECT % b"307 Temporary Redirect"], "status 307"),
        ([OK.replace(b"200", b"404") + USUAL_KEYS], "status 404"),
        ([OK.replace(b"200", b"500")], "status 500"),
        ([OK + b" " * (LIMIT_BYTES + 1)], "longer than 65536 bytes"),
        ([sized(10**9), b" " * (LIMIT_BYTES + 1)], "longer than 65536 bytes"),
        ([CHUNKED + b"-1\r\n", FLOOD], "longer than 262144 bytes"),
        ([CHUNKED + b"-1\r\n" + USUAL_KEYS], "IncompleteRead"),
        ([CHUNKED + b"-5\r\n" + USUAL_KEYS], "ValueError"),
        ([CHUNKED + b"five\r\n" + USUAL_KEYS], "IncompleteRead"),
        ([CHUNKED + b"\r\n" + USUAL_KEYS], "IncompleteRead"),
        ([CHUNKED + b"f" * 40 + b"\r\n", FLOOD], "longer than 65536 bytes"),
        ([CHUNKED + b"9" * 5000 + b"\r\n", FLOOD], "longer than 65536 bytes"),
        ([CHUNKED + b"1" * 70_000 + b"\r\n"], "more than 65536 bytes"),
        ([CHUNKED + LONG_NAMES * 5], "longer than 262144 bytes"),
        ([CHUNKED + TRAILERS], "longer than 262144 bytes"),
        ([CHUNKED, *[b"8\r\n        \r\n"] * 8193, b"0\r\n\r\n"], "longer than 65536 bytes"),
        ([OK.replace(b"close", b"close\r\nContent-Length: -5"), FLOOD], "longer than 65536 bytes"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" * 40_000], "longer than 262144 bytes"),
        ([OK, SLOW_BYTES], LATE),
        ([sized(10**6), SLOW_BYTES], LATE),
        ([b"HTTP/1.1 200 OK\r\nX-Slow: ", SLOW_BYTES], LATE),
        ([b"HTTP/1.1 ", SLOW_BYTES], LATE),
        ([SILENCE], LATE),
        ([OK, SILENCE], LATE),
        ([], "closed connection|reset"),
        ([b"not HTTP at all\r\n\r\n"], "not HTTP at all"),
        ([OK.replace(b"close", b"close\r\nX: " + b"x" * 70_000)], "more than 65536 bytes"),
        ([OK.replace(b"close", b"close" + b"\r\nX: x" * 200)], "more than 100 headers"),
    ],
)  # fmt: skip
def test_not_fetched(answer: Any, why: str) -> None:
    """In time, whatever the server does; no thread is left that goes on reading, and no socket."""
    with serve(answer) as there:
        begun = time.monotonic()
        with pytest.raises(FetchError, match=why) as raised:
            fetch_jwks(f"{there.url}/jwks.json", SOON)
        took = time.monotonic() - begun
        assert gone("fetch")
        assert [] == connected(there.url), f"as long as somebody has {raised.value!r}"

    assert took < SOON + 2
    assert ["/jwks.json"] == there.requested_paths


def test_nobody_there() -> None:
    with serve([]) as there:
        """Its port is free again after this."""

    with pytest.raises(FetchError, match="ConnectionRefusedError"):
        fetch_jwks(f"{there.url}/jwks.json", 3.0)


def test_stranger(tmp_path: Path) -> None:
    """A server that cannot prove its name is not asked, over TLS."""
    with (
        serve([OK + USUAL_KEYS], tls=self_signed(tmp_path)) as there,
        pytest.raises(FetchError, match="self-signed certificate"),
    ):
        fetch_jwks(f"{there.url}/jwks.json", 3.0)

    assert [] == there.requested_paths


def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that can is, in time as well."""
    tls = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "tls.pem"))

    with serve([OK + USUAL_KEYS], [OK, SLOW_BYTES], tls=tls) as there:
        assert USUAL_KEYS == fetch_jwks(f"{there.url}/jwks.json", 3.0)
        with pytest.raises(FetchError, match=LATE):
            fetch_jwks(f"{there.url}/jwks.json", SOON)
        assert gone("fetch")


def gone(name: str) -> bool:
    """Whether no thread of that *name* is left, or will be in a second."""
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(1.0)
    return not any(thread.name == name for thread in threading.enumerate())


def connected(url: str) -> list[socket.socket]:
    """The sockets of this process that are still connected to *url*."""
    port = urlsplit(url).port
    sockets = [one for one in gc.get_objects() if isinstance(one, socket.socket)]
    return [one for one in sockets if one.fileno() != -1 and _peer(one) == port]


def _peer(one: socket.socket) -> int | None:
    try:
        return int(one.getpeername()[1])
    except OSError:  # It listens, or the other side is gone.
        return None


class Pool:
    """A pool whose answers a test writes, a clock that it turns, and a verifier of its tokens."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self.now = float(NOW)
        self.answers = list(answers)
        self.times: list[float] = []
        self.verifier = Verifier(REGION, POOL, CLIENT, clock=lambda: self.now, fetch=self._fetch)

    def _fetch(self, url: str, timeout: float) -> bytes:
        self.times.append(self.now - NOW)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def check(self, token: str) -> str:
        """Whose it is, or why it is refused, or that nobody knows."""
        try:
            return self.verifier.check(token)
        except RefusedError as refused:
            return refused.reason
        except JwksError:
            return "no keys"


def test_kept() -> None:
    """One fetch serves for a long time."""
    pool = Pool(USUAL_KEYS)

    for pool.now in (NOW, NOW + 1, NOW + TTL - 1):
        assert [SUB, SUB] == [pool.check(BY_FIRST), pool.check(BY_SECOND)]

    assert [0] == pool.times


def test_looked_at_again() -> None:
    """After the time to live: a key that was withdrawn does not live on."""
    pool = Pool(USUAL_KEYS, SECOND_ALONE, SECOND_ALONE)
    assert SUB == pool.check(BY_FIRST)

    pool.now += TTL

    assert [SUB, "kid"] == [pool.check(BY_SECOND), pool.check(BY_FIRST)]
    assert [0, TTL, TTL] == pool.times
    assert 3600 <= TTL <= 86400


def test_first_fetch_fails() -> None:
    """Then all are refused, and it is retried a second later, not for each call."""
    pool = Pool(DOWN, DOWN, USUAL_KEYS)

    checked = []
    for seconds in (0, 0.1, RETRY - 0.1, RETRY, RETRY + 0.1, 2 * RETRY):
        pool.now = NOW + seconds
        checked.append(pool.check(BY_FIRST))

    assert ["no keys"] * 5 + [SUB] == checked
    assert [0, RETRY, 2 * RETRY] == pool.times


def test_down_with_keys() -> None:
    """The keys that are known go on, asked about every ten seconds at most."""
    pool = Pool(USUAL_KEYS, DOWN, DOWN, SECOND_ALONE)
    pool.check(BY_FIRST)

    checked = []
    for seconds in (0, 1, COOL_DOWN - 1, COOL_DOWN, COOL_DOWN + 1):
        pool.now = NOW + TTL + seconds
        checked.append(pool.check(BY_FIRST))

    assert [SUB] * 5 == checked
    assert [0, TTL, TTL + COOL_DOWN] == pool.times


def test_rotation() -> None:
    """An unknown key id has the keys fetched once more, and the new key counts: at once.

    Nothing was looked up in vain until then.
    """
    pool = Pool(FIRST_ALONE, USUAL_KEYS)

    assert [SUB, SUB, SUB] == [pool.check(t) for t in (BY_FIRST, BY_SECOND, BY_FIRST)]
    assert [0, 0] == pool.times


def test_a_key_that_is_gone() -> None:
    """The keys are fetched the first time that it is missing, and not again after that."""
    pool = Pool(FIRST_ALONE, SECOND_ALONE, SECOND_ALONE, SECOND_ALONE)
    assert [SUB, SUB] == [pool.check(BY_FIRST), pool.check(BY_SECOND)]

    for pool.now in range(NOW, NOW + 11):
        assert ["kid", "kid"] == [pool.check(BY_FIRST), pool.check(BY_FIRST)]

    assert [0, 0, 0, COOL_DOWN] == pool.times


def test_made_up_key_ids() -> None:
    """However many, they cost a fetch every ten seconds, and not the first ten."""
    pool = Pool(USUAL_KEYS, USUAL_KEYS, USUAL_KEYS)

    for pool.now in range(NOW, NOW + 25):
        assert ["kid"] * 3 == [pool.check(BY_NOBODY) for _ in range(3)]
        assert SUB == pool.check(BY_FIRST)

    assert [0, 10, 20] == pool.times


def test_unknown_while_down() -> None:
    """Whether the pool has that key nobody knows, so that is no refusal."""
    pool = Pool(FIRST_ALONE, DOWN, USUAL_KEYS, USUAL_KEYS)
    assert SUB == pool.check(BY_FIRST)

    pool.now += COOL_DOWN
    assert ["no keys", "no keys", SUB] == [pool.check(t) for t in (BY_SECOND, BY_SECOND, BY_FIRST)]

    pool.now += COOL_DOWN
    assert [SUB, "kid"] == [pool.check(BY_SECOND), pool.check(BY_NOBODY)]
    assert [0, COOL_DOWN, 2 * COOL_DOWN, 2 * COOL_DOWN] == pool.times


def test_clock_set_back() -> None:
    """It may cost a fetch, and never stops one for long."""
    pool = Pool(FIRST_ALONE, USUAL_KEYS)
    assert SUB == pool.check(BY_FIRST)

    pool.now -= 30

    assert SUB == pool.check(BY_SECOND)


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
    jwks(jwk(FIRST, "first", use="enc")),
    jwks(jwk(FIRST, "first", kid=ABSENT)),
    jwks(jwk(FIRST, "first", kid=1)),
]


@pytest.mark.parametrize("size", [b"-1", b"-5", b"five", b""])
def test_known_keys_go_on_where_a_chunk_has_no_size(size: bytes) -> None:
    """That is an unreadable response, and is not fetched again for each call."""
    now = float(NOW)
    with serve([OK + USUAL_KEYS], [CHUNKED + size + b"\r\n" + USUAL_KEYS]) as there:
        verifier = Verifier(
            REGION, POOL, CLIENT, fetch=fetch_jwks, base=there.url, clock=lambda: now
        )
        assert SUB == verifier.check(BY_FIRST)
        now += TTL

        assert [SUB] * 3 == [verifier.check(BY_FIRST) for _ in range(3)]

    assert 2 == len(there.requested_paths)


@pytest.mark.parametrize("document", UNUSABLE)
def test_unusable(document: bytes) -> None:
    """It is as if there were none: what was known before goes on."""
    assert "no keys" == Pool(document).check(BY_FIRST)

    pool = Pool(USUAL_KEYS, document)
    pool.check(BY_FIRST)
    pool.now += TTL

    assert SUB == pool.check(BY_FIRST)
    assert [0, TTL] == pool.times


def at(there: ScriptedServer) -> Verifier:
    return Verifier(REGION, POOL, CLIENT, fetch=fetch_jwks, base=there.url, clock=lambda: NOW)


def side_by_side(check: Callable[[int], str]) -> list[str]:
    """What eight threads get that begin at the same moment."""
    barrier = threading.Barrier(8)

    def one(number: int) -> str:
        barrier.wait()
        try:
            return check(number)
        except (JwksError, RefusedError) as no:
            return type(no).__name__

    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(one, range(8)))


def test_single_flight() -> None:
    """Eight at once have the keys fetched once, by a real server that takes its time."""
    with serve([0.2, OK + USUAL_KEYS]) as there:
        verifier = at(there)

        assert [SUB] * 8 == side_by_side(lambda _: verifier.check(BY_FIRST))

    assert 1 == len(there.requested_paths)


def test_single_flight_fails() -> None:
    """Those who wait for a fetch share how it ends: they do not wait in line for their own."""
    with serve([0.2, OK.replace(b"200", b"503")]) as there:
        verifier = at(there)

        assert ["JwksError"] * 8 == side_by_side(lambda _: verifier.check(BY_FIRST))

    assert 1 == len(there.requested_paths)


def test_nobody_waits_for_a_key_that_is_known() -> None:
    """While one looks at the keys again, the others go on with what they have."""
    fetching, over = threading.Event(), threading.Event()
    now = float(NOW)

    def fetch(url: str, timeout: float) -> bytes:
        if now > NOW:
            fetching.set()
            assert over.wait(10)
        return USUAL_KEYS

    keys = Keys("", clock=lambda: now, fetch=fetch)
    assert keys.find("first")
    now += TTL
    with ThreadPoolExecutor(1) as other:
        looking = other.submit(keys.find, "first")
        assert fetching.wait(10)

        assert keys.find("second")
        assert not looking.done()
        over.set()
        assert looking.result()


def test_rotation_at_a_real_server() -> None:
    with serve([OK + FIRST_ALONE], [OK + USUAL_KEYS]) as there:
        verifier = at(there)
        assert SUB == verifier.check(BY_FIRST)
        assert [SUB] * 8 == side_by_side(lambda _: verifier.check(BY_SECOND))

    assert [f"/{POOL}/.well-known/jwks.json"] * 2 == there.requested_paths


def test_the_time_there_is() -> None:
    """API Gateway waits ten seconds for an authorizer; a cold start and a second try fit in."""
    assert TIMEOUT <= 3


NUMBERS = st.integers(0, 2**2100) | st.integers(2**2047, 2**2048 - 1)
OCTETS = NUMBERS.map(lambda number: b64(number.to_bytes((number.bit_length() + 7) // 8)))
ODD = st.none() | st.booleans() | st.floats() | st.text() | st.lists(st.text()) | OCTETS


@given(st.dictionaries(st.sampled_from([*jwk(FIRST, "first"), "d", "x5c"]), ODD))
def test_any_key(changes: dict[str, Any]) -> None:
    """Whatever stands in a set, the others in it serve; and what is accepted does not crash.

    Python-jose raises nearly anything for a key that is none.
    """
    listed = jwk(FIRST, "first", **changes)

    keys = read(
        jwks(listed, jwk(SECOND, "second")) if listed.get("kid") != "second" else USUAL_KEYS
    )

    assert "second" in keys
    for key in keys.values():
        assert not key.verify(b"signed", b"signature" * 28 + b"four")


@pytest.mark.parametrize(("e", "fine"), [(1, False), (2, False), (3, True), (65536, False), (65537, True), (2**32 + 1, False)])  # fmt: skip
def test_exponents(e: int, fine: bool) -> None:
    listed = jwk(FIRST, "first", e=b64(e.to_bytes(5).lstrip(b"\0")))

    assert fine == ("first" in read(jwks(listed, jwk(SECOND, "second"))))


@pytest.mark.parametrize(("bits", "fine"), [(2047, False), (2048, True), (4096, True), (8193, False)])  # fmt: skip
def test_sizes(bits: int, fine: bool) -> None:
    n = 2**bits - 1
    listed = jwk(FIRST, "first", n=b64(n.to_bytes((bits + 7) // 8)))

    assert fine == ("first" in read(jwks(listed, jwk(SECOND, "second"))))


@given(st.binary() | st.recursive(st.none() | st.text(), st.lists).map(json.dumps).map(str.encode))
def test_any_document(document: bytes) -> None:
    with pytest.raises(JwksError):
        read(document)


@given(n=st.integers(2**2047, 2**2048 - 1), e=st.integers(3, 2**32 - 1))
def test_any_numbers(n: int, e: int) -> None:
    """Keys that nobody would make are no keys, or check nothing."""
    listed = jwk(FIRST, "first", n=b64(n.to_bytes(256)), e=b64(e.to_bytes(4)))

    for key in read(jwks(listed, jwk(SECOND, "second"))).values():
        assert not key.verify(b"signed", b"signature" * 28 + b"four")


@given(st.binary())
def test_written_and_read(said: bytes) -> None:
    assert said == decoded(b64(said).encode())


@given(st.text("AQgw04-_+/=! \n\0", max_size=9) | st.text(max_size=9))
def test_one_spelling(text: str) -> None:
    """What can be read is what would be written."""
    try:
        said = decoded(text.encode())
    except ValueError:
        return
    assert text == b64(said)
