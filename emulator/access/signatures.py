"""AWS Signature Version 4: parse the signature of a request, and compute the expected one.

botocore computes the canonical request, the string to sign and the signing key.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from emulator.access.errors import AwsRefusalError

if TYPE_CHECKING:
    from emulator.access.request import Request

S3 = "s3"
TIMESTAMP = "%Y%m%dT%H%M%SZ"
ALGORITHM = "AWS4-HMAC-SHA256"
MAX_EXPIRES_SECONDS = 7 * 24 * 3600  # The longest validity of a presigned URL.
# These services accept a clock skew of 15 minutes, the others 5 minutes.
_LARGE_SKEW_SERVICES = {"dynamodb", "ecr", "elasticache", "iam", "rds", "s3", "sns", "sqs", "sts"}
_SCOPE = r"([A-Za-z0-9]{1,128})/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request"
_HEADER = re.compile(
    rf"{ALGORITHM} +Credential={_SCOPE}, *SignedHeaders=([a-z0-9;._-]+), *Signature=([0-9a-f]{{64}})"
)
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_CREDENTIAL = re.compile(_SCOPE)
_QUERY_NAMES = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders")
_QUERY_SIGNATURE = "X-Amz-Signature"
_PAYLOAD = "x-amz-content-sha256"
# The parameters of signed queries in lower case; those of SigV2 are refused.
_SIGNED_QUERY = {name.lower() for name in (*_QUERY_NAMES, _QUERY_SIGNATURE)} | {"awsaccesskeyid"}


@dataclass(frozen=True)
class RequestSignature:
    """The parts of a request's signature: access key, time, scope, signed headers and value.

    *payload* is the value of x-amz-content-sha256, or None. *is_presigned* is true if the signature
    is in the URL.
    """

    access_key: str
    token: str
    region: str
    service: str
    timestamp: str
    signed_headers: tuple[str, ...]
    value: str
    payload: str | None
    is_presigned: bool = False
    expires_seconds: int | None = None


def parse(request: Request) -> RequestSignature | None:
    """Return the signature of *request*, not verified yet; None if it is not signed.

    Raise AwsRefusalError if it is incomplete, ambiguous or of another algorithm.
    """
    authorizations = [value for name, value in request.headers if name == "authorization"]
    in_header = any(value.startswith("AWS") for value in authorizations)
    in_query = any(name.lower() in _SIGNED_QUERY for name, _ in request.query)
    if not in_header and not in_query:
        return None
    if len(authorizations) + in_query > 1:
        raise AwsRefusalError("UnsupportedSignature", "Only one auth mechanism allowed")
    if not request.raw_path.startswith("/") or "#" in request.raw_path:
        raise _incomplete("the request target is not a path")
    parsed = _parse_header(request, authorizations[0]) if in_header else _parse_query(request)
    _check_signed_headers(request, parsed)
    return parsed


def check_time(parsed: RequestSignature, now: datetime) -> None:
    """Raise AwsRefusalError if *parsed* was signed too long ago, or in the future."""
    try:
        signed = datetime.strptime(parsed.timestamp, TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        raise _incomplete("X-Amz-Date is not a date", parsed.service) from None
    skew = timedelta(minutes=15 if parsed.service in _LARGE_SKEW_SERVICES else 5)
    if signed > now + skew:
        message = f"Signature not yet current: {parsed.timestamp}"
        raise AwsRefusalError("RequestTimeTooSkewed", message, service=parsed.service)
    if parsed.expires_seconds is not None:
        if now > signed + timedelta(seconds=parsed.expires_seconds):
            raise AwsRefusalError("RequestExpired", "Request has expired", service=parsed.service)
    elif signed < now - skew:
        message = f"Signature expired: {parsed.timestamp}"
        raise AwsRefusalError("RequestTimeTooSkewed", message, service=parsed.service)


def check(request: Request, parsed: RequestSignature, secret: str, payload: str) -> None:
    """Raise AwsRefusalError unless *request*, with the hash *payload*, is signed with *secret*."""
    signer = _Signer(parsed, secret)
    signed: Any = AWSRequest(request.method, f"http://host{request.raw_path}")
    for name, value in request.headers:
        signed.headers[name] = value
    signed.params = [pair for pair in request.query if pair[0] != _QUERY_SIGNATURE]
    del signed.headers[_PAYLOAD]  # No error if it is missing.
    signed.headers[_PAYLOAD] = payload
    signed.context["timestamp"] = parsed.timestamp
    canonical = signer.canonical_request(signed)
    expected = signer.signature(signer.string_to_sign(signed, canonical), signed)
    if not hmac.compare_digest(expected, parsed.value):
        message = (
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method."
        )
        raise AwsRefusalError("SignatureDoesNotMatch", message, service=parsed.service)


class _Signer(SigV4Auth):
    """botocore's signer, for the headers that the client has signed."""

    def __init__(self, parsed: RequestSignature, secret: str) -> None:
        credentials = Credentials(parsed.access_key, secret)
        super().__init__(credentials, parsed.service, parsed.region)
        self._signed = parsed.signed_headers
        self._is_s3 = parsed.service == S3

    def headers_to_sign(self, request: Any) -> Any:
        """Return the signed headers with the values of the request."""
        signed = HTTPHeaders()
        for name in self._signed:
            for value in request.headers.get_all(name, []):
                signed[name] = value
        return signed

    def _normalize_url_path(self, path: str) -> Any:
        """Return the path as it is signed: S3 does not normalize it."""
        return path if self._is_s3 else super()._normalize_url_path(path)  # type: ignore[misc]  # The stubs do not have this method.


def _parse_header(request: Request, authorization: str) -> RequestSignature:
    match = _HEADER.fullmatch(authorization.strip())
    if not match:
        if not authorization.startswith(ALGORITHM):
            message = f"Only {ALGORITHM} is supported"
            raise AwsRefusalError("UnsupportedSignature", message)
        raise _incomplete("Authorization needs Credential, SignedHeaders and Signature")
    access_key, date, region, service, names, signature = match.groups()
    payloads = [value for name, value in request.headers if name == _PAYLOAD]
    parsed = RequestSignature(
        access_key=access_key,
        token=request.header("x-amz-security-token"),
        region=region,
        service=service,
        timestamp=request.header("x-amz-date"),
        signed_headers=tuple(names.split(";")),
        value=signature,
        payload=payloads[0] if payloads else None,
    )
    _check_date(parsed, date)
    return parsed


def _parse_query(request: Request) -> RequestSignature:
    values: dict[str, str] = {}
    for name, value in request.query:
        if name.lower().startswith("x-amz-") and name in values:
            raise _incomplete(f"{name} is in the query more than once")
        values[name] = value
    if not _SIGNATURE.fullmatch(values.get(_QUERY_SIGNATURE, "")):
        raise _incomplete(f"the query needs {_QUERY_SIGNATURE}")
    if missing := [name for name in _QUERY_NAMES if not values.get(name)]:
        raise _incomplete(f"the query needs {', '.join(missing)}")
    if values["X-Amz-Algorithm"] != ALGORITHM:
        raise AwsRefusalError("UnsupportedSignature", f"Only {ALGORITHM} is supported")
    match = _CREDENTIAL.fullmatch(values["X-Amz-Credential"])
    if not match:
        raise _incomplete("X-Amz-Credential must be KEY/DATE/REGION/SERVICE/aws4_request")
    access_key, date, region, service = match.groups()
    parsed = RequestSignature(
        access_key=access_key,
        token=values.get("X-Amz-Security-Token", ""),
        region=region,
        service=service,
        timestamp=values["X-Amz-Date"],
        signed_headers=tuple(values["X-Amz-SignedHeaders"].split(";")),
        value=values[_QUERY_SIGNATURE],
        payload=values.get("X-Amz-Content-Sha256") or request.header(_PAYLOAD) or None,
        is_presigned=True,
        expires_seconds=_expires(values.get("X-Amz-Expires"), service),
    )
    _check_date(parsed, date)
    return parsed


def _expires(text: str | None, service: str) -> int | None:
    """Return the validity of a presigned URL in seconds; required for S3."""
    if text is None and service != S3:
        return None
    if (
        not text
        or not re.fullmatch(r"[0-9]{1,6}", text)
        or not 1 <= int(text) <= MAX_EXPIRES_SECONDS
    ):
        raise _incomplete(f"X-Amz-Expires must be between 1 and {MAX_EXPIRES_SECONDS}", service)
    return int(text)


def _check_date(parsed: RequestSignature, date: str) -> None:
    if not parsed.timestamp:
        raise _incomplete("X-Amz-Date is missing", parsed.service)
    if parsed.timestamp[:8] != date:
        message = "Date in Credential scope does not match X-Amz-Date"
        raise AwsRefusalError("CredentialDateMismatch", message, service=parsed.service)


def _check_signed_headers(request: Request, parsed: RequestSignature) -> None:
    """Raise AwsRefusalError unless Host and every x-amz-* header are signed."""
    names = parsed.signed_headers
    if "host" not in names or list(names) != sorted(set(names)):
        raise _incomplete("SignedHeaders must be sorted and contain host", parsed.service)
    unsigned = {name for name, _ in request.headers if name.startswith("x-amz-")} - set(names)
    if unsigned:
        message = (
            f"There were headers present in the request which were not signed: {min(unsigned)}"
        )
        code = "AccessDenied" if parsed.service == S3 else "SignatureDoesNotMatch"
        raise AwsRefusalError(code, message, service=parsed.service)


def _incomplete(message: str, service: str = "") -> AwsRefusalError:
    return AwsRefusalError("IncompleteSignature", message, service=service)
