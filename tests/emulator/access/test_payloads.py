"""Verification of signed bodies; the example of chunks is from the S3 API reference."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from emulator.access import payloads
from emulator.access.errors import AwsRefusalError
from emulator.access.signatures import RequestSignature
from tests.emulator.access.signing import KEY, REGION, SECRET

SIGNATURE = RequestSignature(KEY, "", REGION, "s3", "20130524T000000Z", ("host",), "0" * 64, None)
EXAMPLE = RequestSignature(
    access_key="AKIAIOSFODNN7EXAMPLE",
    token="",
    region="us-east-1",
    service="s3",
    timestamp="20130524T000000Z",
    signed_headers=("host",),
    value="4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    payload=payloads.SIGNED_CHUNKS,
)
EXAMPLE_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
EXAMPLE_CHUNKS = (
    (65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
    (1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
    (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
)
EXAMPLE_BODY = b"".join(
    b"%x;chunk-signature=%s\r\n%s\r\n" % (size, signature.encode(), b"a" * size)
    for size, signature in EXAMPLE_CHUNKS
)


def is_valid(parsed: RequestSignature, payload: str, body: bytes, secret: str = SECRET) -> bool:
    """Return whether *body* is the signed one."""
    try:
        payloads.check(parsed, payload, body, secret)
    except AwsRefusalError:
        return False
    return True


def test_example() -> None:
    """The chunks of the example have valid signatures."""
    assert is_valid(EXAMPLE, payloads.SIGNED_CHUNKS, EXAMPLE_BODY, EXAMPLE_SECRET)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"plain",
        EXAMPLE_BODY.replace(b"a\r\n", b"b\r\n", 1),
        EXAMPLE_BODY[: EXAMPLE_BODY.rindex(b"0;chunk")],
        EXAMPLE_BODY[EXAMPLE_BODY.index(b"400;chunk") :],
        EXAMPLE_BODY + b"more",
        EXAMPLE_BODY.replace(b"0055627c", b"1055627c"),
    ],
    ids=["empty", "no chunks", "changed", "cut off", "without the first", "longer", "signature"],
)
def test_changed_chunks(body: bytes) -> None:
    """Changed, missing, additional and unsigned chunks are refused."""
    assert not is_valid(EXAMPLE, payloads.SIGNED_CHUNKS, body, EXAMPLE_SECRET)


def with_trailer(checksum: bytes, secret: str = SECRET) -> bytes:
    """Return a body of one chunk and a trailer, signed as the S3 API reference says."""
    key = f"AWS4{secret}".encode()
    for part in ("20130524", REGION, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    head = f"20130524T000000Z\n20130524/{REGION}/s3/aws4_request"
    empty, previous, body = hashlib.sha256(b"").hexdigest(), SIGNATURE.value, b""
    for chunk in (b"data", b""):
        text = "\n".join(
            ("AWS4-HMAC-SHA256-PAYLOAD", head, previous, empty, hashlib.sha256(chunk).hexdigest())
        )
        previous = hmac.digest(key, text.encode(), "sha256").hex()
        end = b"\r\n" if chunk else b""
        body += b"%x;chunk-signature=%s\r\n%s" % (len(chunk), previous.encode(), chunk + end)
    digest = hashlib.sha256(b"x-amz-checksum-crc32c:" + checksum + b"\n").hexdigest()
    text = f"AWS4-HMAC-SHA256-TRAILER\n{head}\n{previous}\n{digest}"
    signature = hmac.digest(key, text.encode(), "sha256").hex().encode()
    trailer = b"x-amz-checksum-crc32c:%s\r\nx-amz-trailer-signature:%s\r\n\r\n"
    return body + trailer % (checksum, signature)


def test_trailer() -> None:
    """A changed or missing trailer, and a trailer signed with another secret, are refused."""
    body = with_trailer(b"sOO8/Q==")

    assert is_valid(SIGNATURE, payloads.SIGNED_TRAILER, body)
    assert not is_valid(SIGNATURE, payloads.SIGNED_TRAILER, body.replace(b"sOO8", b"sOO9"))
    assert not is_valid(SIGNATURE, payloads.SIGNED_TRAILER, body[: body.index(b"x-amz-checksum")])
    assert not is_valid(SIGNATURE, payloads.SIGNED_TRAILER, with_trailer(b"sOO8/Q==", "t" * 40))


def test_hash() -> None:
    """The signed hash must be the hash of the body."""
    digest = hashlib.sha256(b"mine").hexdigest()

    assert is_valid(SIGNATURE, digest, b"mine")
    assert not is_valid(SIGNATURE, digest, b"yours")


@pytest.mark.parametrize("payload", [payloads.UNSIGNED, payloads.UNSIGNED_CHUNKS])
def test_unsigned(payload: str) -> None:
    """Only S3 accepts a body that is not signed."""
    s3 = RequestSignature(KEY, "", REGION, "s3", "", (), "", payload)
    other = RequestSignature(KEY, "", REGION, "dynamodb", "", (), "", payload)

    assert payload == payloads.signed_payload(s3)
    with pytest.raises(AwsRefusalError, match="not a hash that this service accepts"):
        payloads.signed_payload(other)


def test_missing_hash() -> None:
    """S3 requires the payload hash, unless the signature is in the URL; other services do not."""
    presigned = RequestSignature(KEY, "", REGION, "s3", "", (), "", None, is_presigned=True)
    other = RequestSignature(KEY, "", REGION, "sts", "", (), "", None)

    assert payloads.signed_payload(presigned) == payloads.UNSIGNED
    assert payloads.signed_payload(other) is None
    with pytest.raises(AwsRefusalError, match="Missing required header"):
        payloads.signed_payload(SIGNATURE)
