"""The two buckets: reads what was uploaded, writes what is shown.

Every call names the account that must own the bucket: a bucket of that name in somebody else's
hands gets no picture of ours.
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

# Four tries of a call, of which none hangs. What S3 still refuses then is Lambda's to repeat.
_PATIENCE = Config(
    connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4}
)
# Its key stays when the picture changes, so nobody keeps it longer than the CDN does. Age counts
# from the CDN's own fetch: a new picture is everywhere after five minutes, not after ten.
_KEEP = "public, max-age=300"


@dataclass(frozen=True)
class Original:
    """What a person uploaded; the next upload has another *version*."""

    content: bytes
    version: str


@dataclass(frozen=True)
class Store:
    """The buckets of *account*; an original above *limit* bytes is not read."""

    account: str
    uploads: str
    avatars: str
    limit: int

    def original(self, avatar: str) -> Original | None:
        """The newest upload; None if it is gone. Raises Rejected."""
        try:
            found = _s3().get_object(
                Bucket=self.uploads, Key=upload_key(avatar), ExpectedBucketOwner=self.account
            )
        except ClientError as error:
            _raise_unless_gone(error)
            return None
        with closing(found["Body"]) as body:
            length = found["ContentLength"]
            content = b"" if length > self.limit else body.read(self.limit + 1)
        if max(length, len(content)) > self.limit:
            raise Rejected("too many bytes")
        if len(content) < length:  # Lost on the way; a picture that is cut off looks the same.
            raise IncompleteReadError(actual_bytes=len(content), expected_bytes=length)
        return Original(content, found["ETag"])

    def newest(self, avatar: str) -> str | None:
        """The version of the newest upload; None if it is gone."""
        try:
            found = _s3().head_object(
                Bucket=self.uploads, Key=upload_key(avatar), ExpectedBucketOwner=self.account
            )
        except ClientError as error:
            _raise_unless_gone(error)
            return None
        return found["ETag"]

    def show(self, avatar: str, picture: bytes) -> None:
        """Put *picture* where everyone sees it."""
        _s3().put_object(
            Bucket=self.avatars,
            Key=avatar_key(avatar),
            Body=picture,
            ContentType="image/jpeg",
            CacheControl=_KEEP,
            ExpectedBucketOwner=self.account,
        )


@cache
def _s3() -> S3Client:
    return boto3.client("s3", config=_PATIENCE)


def _raise_unless_gone(error: ClientError) -> None:
    """403 is no answer to a missing object here: the role may list the bucket (see handler.py)."""
    if error.response["Error"]["Code"] not in {"NoSuchKey", "404"}:
        raise error
