"""Verify the body of a signed request against its signed hash, or the signature of each chunk."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING

from emulator.access.errors import AwsRefusalError
from emulator.access.signatures import ALGORITHM, S3, RequestSignature

if TYPE_CHECKING:
    from collections.abc import Iterator

UNSIGNED = "UNSIGNED-PAYLOAD"
UNSIGNED_CHUNKS = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED_CHUNKS = f"STREAMING-{ALGORITHM}-PAYLOAD"
SIGNED_TRAILER = f"{SIGNED_CHUNKS}-TRAILER"
_S3_ONLY = {UNSIGNED, UNSIGNED_CHUNKS, SIGNED_CHUNKS, SIGNED_TRAILER}
_HASH = re.compile(r"[0-9a-f]{64}")
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,16});chunk-signature=([0-9a-f]{64})")
_TRAILER_SIGNATURE = b"x-amz-trailer-signature:"
_LINE_END = b"\r\n"


def signed_payload(parsed: RequestSignature) -> str | None:
    """Return the payload hash that was signed; None if it must be computed from the body."""
    payload = parsed.payload
    if payload is None:
        if parsed.service != S3:
            return None
        if parsed.is_presigned:
            return UNSIGNED
        message = "Missing required header for this request: x-amz-content-sha256"
        raise AwsRefusalError("IncompleteSignature", message, service=S3)
    if not _HASH.fullmatch(payload) and (payload not in _S3_ONLY or parsed.service != S3):
        message = f"x-amz-content-sha256 {payload}: not a hash that this service accepts"
        raise AwsRefusalError("IncompleteSignature", message, service=parsed.service)
    return payload


def is_unsigned(payload: str) -> bool:
    """Return whether the body is not covered by the signature."""
    return payload in {UNSIGNED, UNSIGNED_CHUNKS}


def check(parsed: RequestSignature, payload: str, body: bytes, secret: str) -> None:
    """Raise AwsRefusalError unless *body* matches *payload*."""
    if is_unsigned(payload):
        return
    if payload in {SIGNED_CHUNKS, SIGNED_TRAILER}:
        if not _chunks_match(parsed, body, secret, trailer=payload == SIGNED_TRAILER):
            raise _mismatch("a chunk signature does not match its chunk", parsed)
    elif not hmac.compare_digest(hashlib.sha256(body).hexdigest(), payload):
        raise _mismatch("x-amz-content-sha256 does not match the body", parsed)


def _mismatch(message: str, parsed: RequestSignature) -> AwsRefusalError:
    return AwsRefusalError("SignatureDoesNotMatch", message, service=parsed.service)


def _chunks_match(parsed: RequestSignature, body: bytes, secret: str, *, trailer: bool) -> bool:
    """Return whether each chunk has the signature that is derived from the previous one."""
    chain = _SignatureChain(parsed, secret)
    position = 0
    for size, signature, start in _chunks(body):
        if not chain.accepts("PAYLOAD", [b"", body[start : start + size]], signature):
            return False
        position = start + size
        if size == 0:
            rest = body[position:]
            return _trailer_matches(chain, rest) if trailer else rest in {b"", _LINE_END}
    return False


def _chunks(body: bytes) -> Iterator[tuple[int, str, int]]:
    """Yield size, signature and start of each chunk; stop at a malformed one."""
    position = 0
    while (end := body.find(_LINE_END, position)) >= 0:
        match = _CHUNK.fullmatch(body[position:end])
        if not match:
            return
        size, start = int(match[1], 16), end + len(_LINE_END)
        yield size, match[2].decode(), start
        position = start + size + len(_LINE_END)
        if size == 0 or body[start + size : position] != _LINE_END:
            return


def _trailer_matches(chain: _SignatureChain, rest: bytes) -> bool:
    lines = [line for line in rest.split(_LINE_END) if line]
    if not lines or not lines[-1].startswith(_TRAILER_SIGNATURE):
        return False
    signature = lines.pop()[len(_TRAILER_SIGNATURE) :].decode("latin-1")
    return chain.accepts("TRAILER", [b"".join(line + b"\n" for line in lines)], signature)


class _SignatureChain:
    """The signatures of a streamed body, each derived from the previous one."""

    def __init__(self, parsed: RequestSignature, secret: str) -> None:
        self._previous = parsed.value
        date = parsed.timestamp[:8]
        self._scope = f"{parsed.timestamp}\n{date}/{parsed.region}/{parsed.service}/aws4_request"
        self._key = f"AWS4{secret}".encode()
        for part in (date, parsed.region, parsed.service, "aws4_request"):
            self._key = hmac.new(self._key, part.encode(), hashlib.sha256).digest()

    def accepts(self, kind: str, parts: list[bytes], signature: str) -> bool:
        """Return whether *signature* is the next one, for the hashes of *parts*."""
        hashes = [hashlib.sha256(part).hexdigest() for part in parts]
        text = "\n".join([f"{ALGORITHM}-{kind}", self._scope, self._previous, *hashes])
        expected = hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
        self._previous = expected
        return hmac.compare_digest(expected.encode(), signature.encode())
