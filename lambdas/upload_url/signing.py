"""Create presigned URLs that allow one upload, of a fixed type and size, for a limited time.

botocore's signer is used without a client, because creating a client takes most of a cold start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from shared.endpoints import endpoint
from shared.loggers import limit_to_info

limit_to_info()


@dataclass(frozen=True)
class Upload:
    """An object that will be uploaded; *size* is in bytes."""

    bucket: str
    key: str
    content_type: str
    size: int


def put_url(upload: Upload, *, seconds: int, environment: Mapping[str, str]) -> str:
    """Return a URL that accepts *upload* for *seconds*, signed with the credentials in *environment*.

    Both headers are signed, so S3 refuses another type, and a body that is longer or shorter.
    """
    region = environment["AWS_REGION"]
    headers = {"Content-Type": upload.content_type, "Content-Length": str(upload.size)}
    request = AWSRequest("PUT", _object_url(upload, region, environment), headers)
    credentials = Credentials(
        environment["AWS_ACCESS_KEY_ID"],
        environment["AWS_SECRET_ACCESS_KEY"],
        environment.get("AWS_SESSION_TOKEN"),
    )
    S3SigV4QueryAuth(credentials, "s3", region, expires=seconds).add_auth(request)
    return str(request.url)


def _object_url(upload: Upload, region: str, environment: Mapping[str, str]) -> str:
    """Return the URL of the object, at the regional host name of its bucket.

    The global host name redirects, and preflight requests do not follow redirects. A custom
    endpoint may have no host names for buckets, so its URL has the bucket in the path.
    """
    key = quote(upload.key, safe="/~")
    if custom := endpoint(environment, "S3"):
        return f"{custom}/{upload.bucket}/{key}"
    return f"https://{upload.bucket}.s3.{region}.amazonaws.com/{key}"
