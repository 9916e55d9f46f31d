"""Read uploads from one bucket, and write avatars to another.

Every call names the account that must own the bucket, so S3 refuses it if another account owns the
bucket.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, IncompleteReadError

from shared.avatars import avatar_key, upload_key
from shared.loggers import limit_to_info
from thumbnail.picture import Rejected

limit_to_info()

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Four attempts with short timeouts. After that, Lambda delivers the event again.
_CONFIG = Config(
    connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4}
)
# A new avatar has the key of the previous one, so browsers and CloudFront cache it for five minutes
# only. CloudFront sends the age of an object, so the period of a browser also starts when CloudFront
# fetches the object: a new avatar is visible everywhere after five minutes, not after ten.
_CACHE_CONTROL = "public, max-age=300"


@dataclass(frozen=True)
class Upload:
    """An uploaded file; the next upload has another *version*."""

    content: bytes
    version: str


@dataclass(frozen=True)
class Store:
    """The buckets of *account*; an upload of more than *limit* bytes is not read."""

    account: str
    uploads: str
    avatars: str
    limit: int

    def upload(self, avatar: str) -> Upload | None:
        """Return the newest upload, or None if it no longer exists. Raises Rejected."""
        try:
            response = _s3().get_object(
                Bucket=self.uploads, Key=upload_key(avatar), ExpectedBucketOwner=self.account
            )
        except ClientError as error:
            _raise_unless_missing(error)
            return None
        with closing(response["Body"]) as body:
            length = response["ContentLength"]
            content = b"" if length > self.limit else body.read(self.limit + 1)
        if max(length, len(content)) > self.limit:
            raise Rejected("too many bytes")
        if len(content) < length:  # Otherwise a broken transfer would look like a damaged upload.
            raise IncompleteReadError(actual_bytes=len(content), expected_bytes=length)
        return Upload(content, response["ETag"])

    def newest(self, avatar: str) -> str | None:
        """Return the version of the newest upload, or None if it no longer exists."""
        try:
            response = _s3().head_object(
                Bucket=self.uploads, Key=upload_key(avatar), ExpectedBucketOwner=self.account
            )
        except ClientError as error:
            _raise_unless_missing(error)
            return None
        return response["ETag"]

    def publish(self, avatar: str, picture: bytes) -> None:
        """Write *picture* to the avatars bucket."""
        _s3().put_object(
            Bucket=self.avatars,
            Key=avatar_key(avatar),
            Body=picture,
            ContentType="image/jpeg",
            CacheControl=_CACHE_CONTROL,
            ExpectedBucketOwner=self.account,
        )


@cache
def _s3() -> S3Client:
    return boto3.client("s3", config=_CONFIG)


def _raise_unless_missing(error: ClientError) -> None:
    """Raise *error* unless the object is missing.

    S3 returns 404 for a missing object, because the role is allowed to list the bucket.
    """
    if error.response["Error"]["Code"] not in {"NoSuchKey", "404"}:
        raise error
