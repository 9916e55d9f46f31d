"""Reads one record of S3's notification, and believes only what is an upload of ours."""

from __future__ import annotations

from urllib.parse import unquote_plus

from shared.avatars import UPLOADS, upload_key
from shared.ids import is_id


class Ignored(Exception):  # noqa: N818  # it is an answer more than an error
    """Nothing to do for this record, and why."""


def avatar_of(record: object, uploads: str) -> str:
    """The avatar id in *record*, which must be of the bucket *uploads*. Raises Ignored.

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
    if bucket != uploads:  # A notification on the avatars bucket would go round for ever.
        raise Ignored("another bucket")
    key = unquote_plus(key)  # S3 quotes it once.
    avatar = key.removeprefix(UPLOADS)
    if not is_id(avatar) or key != upload_key(avatar):
        raise Ignored("not the key of an original")
    return avatar
