"""Read the avatar id from a record of an S3 notification, and ignore all other records."""

from __future__ import annotations

from urllib.parse import unquote_plus

from shared.avatars import UPLOADS, upload_key
from shared.ids import is_id


class Ignored(Exception):  # noqa: N818  # A result rather than an error.
    """The record is not about an upload; the text is the reason."""


def avatar_of(record: object, uploads: str) -> str:
    """Return the avatar id in *record*, which must be of the bucket *uploads*. Raises Ignored.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    match record:
        case {
            "eventSource": "aws:s3",
            "eventName": str(name),
            "s3": {"bucket": {"name": str(bucket)}, "object": {"key": str(key)}},
        } if name.startswith("ObjectCreated:"):
            pass
        case _:
            raise Ignored("not an object created")
    if bucket != uploads:  # A notification of the avatars bucket would be an endless loop.
        raise Ignored("another bucket")
    key = unquote_plus(key)  # S3 encodes keys in notifications like form data.
    avatar = key.removeprefix(UPLOADS)
    if not is_id(avatar) or key != upload_key(avatar):
        raise Ignored("not the key of an upload")
    return avatar
