"""Signs the address that one object may be put to, for a while and just as announced.

By botocore's own signer, without a client: making one takes most of a cold start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from shared.loggers import limit_to_info

limit_to_info()


@dataclass(frozen=True)
class Upload:
    """An object to come, of *size* bytes."""

    bucket: str
    key: str
    content_type: str
    size: int


def put_url(upload: Upload, *, seconds: int, environment: Mapping[str, str]) -> str:
    """Where *upload* may be put to for so many *seconds*, with the rights that *environment* has.

    Both headers are signed, so S3 refuses another type, and a body that is longer or shorter.
    """
    region = environment["AWS_REGION"]
    headers = {"Content-Type": upload.content_type, "Content-Length": str(upload.size)}
    request = AWSRequest("PUT", _address(upload, region, environment), headers)
    credentials = Credentials(
        environment["AWS_ACCESS_KEY_ID"],
        environment["AWS_SECRET_ACCESS_KEY"],
        environment.get("AWS_SESSION_TOKEN"),
    )
    S3SigV4QueryAuth(credentials, "s3", region, expires=seconds).add_auth(request)
    return str(request.url)


def _address(upload: Upload, region: str, environment: Mapping[str, str]) -> str:
    """The bucket as a host name, regional: another one redirects, which a preflight does not follow.

    An endpoint of its own need not have host names for buckets, so there it is in the path.
    """
    key = quote(upload.key, safe="/~")
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    if endpoint := next(filter(None, map(environment.get, names)), None):
        return f"{endpoint.rstrip('/')}/{upload.bucket}/{key}"
    return f"https://{upload.bucket}.s3.{region}.amazonaws.com/{key}"
