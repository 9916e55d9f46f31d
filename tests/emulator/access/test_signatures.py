"""Verification of AWS Signature Version 4; the examples are from the S3 API reference."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.access import payloads, signatures
from emulator.access.errors import AwsRefusalError
from emulator.access.request import Request
from tests.emulator.access.signing import SECRET, encoded, now, presigned, received, signed

URL = "http://127.0.0.1:4566"
S3_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
EMPTY = hashlib.sha256(b"").hexdigest()


def verify(
    request: Request, secret: str = SECRET, body: bytes = b"", at: datetime | None = None
) -> None:
    """Verify a request as control.py does, with *secret* as the secret key."""
    parsed = signatures.parse(request)
    assert parsed is not None
    signatures.check_time(parsed, at or now())
    payload = payloads.signed_payload(parsed) or hashlib.sha256(body).hexdigest()
    signatures.check(request, parsed, secret, payload)
    payloads.check(parsed, payload, body, secret)


def refusal_code(request: Request, **options: Any) -> str:
    """Return the code of the error that verification raises."""
    with pytest.raises(AwsRefusalError) as refused:
        verify(request, **options)
    return refused.value.code


def test_example_in_header() -> None:
    """The example of a signed GetObject is valid."""
    request = received(
        "GET",
        "http://examplebucket.s3.amazonaws.com/test.txt",
        {
            "Range": "bytes=0-9",
            "x-amz-content-sha256": EMPTY,
            "x-amz-date": "20130524T000000Z",
            "Authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/"
            "s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature="
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        },
    )

    verify(request, S3_SECRET, at=datetime(2013, 5, 24, tzinfo=UTC))


def test_example_in_query() -> None:
    """The example of a presigned URL is valid until it expires."""
    request = received(
        "GET",
        "http://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
        {},
    )
    signed_at = datetime(2013, 5, 24, tzinfo=UTC)

    verify(request, S3_SECRET, at=signed_at + timedelta(days=1))

    late = signed_at + timedelta(days=1, seconds=1)
    assert refusal_code(request, secret=S3_SECRET, at=late) == "RequestExpired"


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20)
QUERIES = st.dictionaries(st.from_regex(r"[a-z-]{1,8}", fullmatch=True), TEXTS, max_size=4)


@given(
    path=TEXTS, query=QUERIES, body=st.binary(max_size=40), service=st.sampled_from(["s3", "sts"])
)
def test_any_request(path: str, query: dict[str, str], body: bytes, service: str) -> None:
    """Every request that botocore signs is valid, but not with another secret."""
    query_string = "&".join(
        f"{name}={encoded(value).replace('/', '%2F')}" for name, value in query.items()
    )
    url = f"{URL}/x{encoded(path)}" + (f"?{query_string}" if query_string else "")

    verify(signed("POST", url, service=service, body=body), body=body)

    wrong = signed("POST", url, service=service, body=body, secret="t" * 40)
    assert refusal_code(wrong, body=body) == "SignatureDoesNotMatch"


def changed(request: Request, name: str, value: str) -> Request:
    """Return the request with another value of a header."""
    headers = tuple((n, value if n == name else v) for n, v in request.headers)
    return replace(request, headers=headers)


@pytest.mark.parametrize("service", ["s3", "sts"])
def test_changed_request(service: str) -> None:
    """A changed method, path, query, signed header or body makes the signature invalid."""
    url = f"{URL}/bucket/key?a=1"
    request = signed("PUT", url, service=service, body=b"mine", headers={"x-amz-meta-a": "1"})
    verify(request, body=b"mine")

    mismatch = "SignatureDoesNotMatch"
    assert mismatch == refusal_code(replace(request, method="DELETE"), body=b"mine")
    assert mismatch == refusal_code(replace(request, raw_path="/bucket/other"), body=b"mine")
    assert mismatch == refusal_code(replace(request, raw_query="a=2"), body=b"mine")
    assert mismatch == refusal_code(replace(request, raw_query="a=1&b=2"), body=b"mine")
    assert mismatch == refusal_code(changed(request, "x-amz-meta-a", "2"), body=b"mine")
    assert mismatch == refusal_code(changed(request, "host", "127.0.0.1:80"), body=b"mine")
    assert mismatch == refusal_code(request, body=b"yours")


def test_unsigned_headers() -> None:
    """An x-amz-* header that is not signed is refused: it could change the operation."""
    unsigned = (("x-amz-target", "DynamoDB_20120810.DeleteTable"),)
    by_url, by_header = presigned("PUT", f"{URL}/bucket/key"), signed("POST", f"{URL}/")

    assert refusal_code(replace(by_url, headers=by_url.headers + unsigned)) == "AccessDenied"
    assert (
        refusal_code(replace(by_header, headers=by_header.headers + unsigned))
        == "SignatureDoesNotMatch"
    )


def test_host_must_be_signed() -> None:
    """Host must be signed; otherwise the request would be valid at other servers."""
    request = signed("POST", f"{URL}/")
    authorization = request.header("authorization").replace("SignedHeaders=host;", "SignedHeaders=")

    assert refusal_code(changed(request, "authorization", authorization)) == "IncompleteSignature"


def test_fragment() -> None:
    """A target with a fragment is refused: only the part before it would be signed."""
    request = signed("GET", f"{URL}/bucket/key", service="s3")

    assert refusal_code(replace(request, raw_path="/bucket/key#x")) == "IncompleteSignature"


@pytest.mark.parametrize(
    ("service", "minutes", "code"),
    [
        ("sts", 14, None),
        ("sts", 16, "RequestTimeTooSkewed"),
        ("sts", -14, None),
        ("sts", -16, "RequestTimeTooSkewed"),
        ("lambda", 4, None),
        ("lambda", 6, "RequestTimeTooSkewed"),
        ("lambda", -6, "RequestTimeTooSkewed"),
    ],
)
def test_clock_skew(service: str, minutes: int, code: str | None) -> None:
    """A clock skew of 5 minutes is accepted, or of 15 minutes by some services."""
    request = signed("POST", f"{URL}/", service=service)
    at = now() + timedelta(minutes=minutes)

    if code:
        assert code == refusal_code(request, at=at)
    else:
        verify(request, at=at)


def test_presigned_url_is_valid_until_it_expires() -> None:
    """A presigned URL is not valid before its time or after it has expired."""
    request = presigned("GET", f"{URL}/bucket/key", seconds=60)
    verify(request, at=now() + timedelta(seconds=50))

    assert refusal_code(request, at=now() + timedelta(seconds=62)) == "RequestExpired"
    assert refusal_code(request, at=now() - timedelta(minutes=16)) == "RequestTimeTooSkewed"


@pytest.mark.parametrize("seconds", [0, -1, 7 * 24 * 3600 + 1])
def test_presigned_url_with_invalid_expiry(seconds: int) -> None:
    """An expiry of no time or more than a week is refused although it is signed."""
    request = presigned("GET", f"{URL}/bucket/key", seconds=seconds)

    assert refusal_code(request) == "IncompleteSignature"


QUERY = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=123456789012%2F20130524%2Fr%2Fs3%2Faws4_request"


@pytest.mark.parametrize(
    ("query", "authorization", "code"),
    [
        ("", "AWS 123456789012:c2lnbmF0dXJl", "UnsupportedSignature"),
        ("AWSAccessKeyId=123456789012&Signature=x&Expires=1", "", "IncompleteSignature"),
        ("", "AWS4-ECDSA-P256-SHA256 Credential=x", "UnsupportedSignature"),
        ("", "AWS4-HMAC-SHA256 Credential=123456789012", "IncompleteSignature"),
        ("", "AWS4-HMAC-SHA256 Credential=1/2/3/4/5, Credential=6", "IncompleteSignature"),
        (QUERY, "", "IncompleteSignature"),
        (QUERY, "AWS4-HMAC-SHA256 Credential=1", "UnsupportedSignature"),
        (QUERY, "Bearer x", "UnsupportedSignature"),
        (QUERY.lower(), "", "IncompleteSignature"),
        (f"{QUERY}&{QUERY}", "", "IncompleteSignature"),
    ],
)
def test_unsupported_credentials(query: str, authorization: str, code: str) -> None:
    """Version 2, other algorithms, incomplete and duplicate signatures are refused, not ignored."""
    headers = {"Authorization": authorization} if authorization else {}

    with pytest.raises(AwsRefusalError) as refused:
        signatures.parse(received("GET", f"{URL}/?{query}", headers))

    assert code == refused.value.code


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}]
)
def test_no_credentials(headers: dict[str, str]) -> None:
    """A request without AWS credentials has no signature."""
    assert signatures.parse(received("GET", f"{URL}/?list-type=2", headers)) is None


TEXT = st.text(max_size=30)
SCOPE = st.sampled_from(["", "123456789012/20130524/r/s3/aws4_request", "a/b"])
PARAMETERS = st.dictionaries(
    st.sampled_from(
        sorted({*signatures._QUERY_NAMES, "X-Amz-Signature", "X-Amz-Expires", "AWSAccessKeyId"})
    ),
    st.one_of(TEXT, SCOPE, st.sampled_from(["AWS4-HMAC-SHA256", "host", "20130524T000000Z", "60"])),
)


@given(authorization=TEXT, query=PARAMETERS, date=TEXT)
def test_malformed_signatures(authorization: str, query: dict[str, str], date: str) -> None:
    """Every malformed signature is refused, without an internal error."""
    raw = "&".join(f"{name}={encoded(value)}" for name, value in query.items())
    headers = {"x-amz-date": date}
    headers |= {"Authorization": f"AWS4-HMAC-SHA256 {authorization}"} if authorization else {}
    request = received("GET", f"{URL}/?{raw}", headers)

    with contextlib.suppress(AwsRefusalError):
        parsed = signatures.parse(request)
        if parsed:
            signatures.check_time(parsed, now())
            signatures.check(request, parsed, SECRET, EMPTY)
            raise AssertionError("this request was not signed")


def test_date_differs_from_scope() -> None:
    """X-Amz-Date must be on the day in the credential scope."""
    request = signed("POST", f"{URL}/")
    other = changed(request, "x-amz-date", "20130524T000000Z")

    assert refusal_code(other) == "CredentialDateMismatch"


@pytest.mark.parametrize("value", ["", "20130524", "20130524T999999Z", "yesterday"])
def test_invalid_date(value: str) -> None:
    """A missing or unreadable X-Amz-Date is refused."""
    request = signed("POST", f"{URL}/")

    assert refusal_code(changed(request, "x-amz-date", value)) in {
        "IncompleteSignature",
        "CredentialDateMismatch",
    }
