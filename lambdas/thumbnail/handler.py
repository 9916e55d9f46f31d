"""Create avatars from uploads.

Event:       S3's notifications of the uploads bucket, ObjectCreated:*, as in events/*.json. Any
             number of records; a record that is not about an upload is logged as `ignored`.
Result:      none, because S3 ignores it. `originals/<avatar id>` is converted to
             `avatars/<avatar id>.jpg` in the avatars bucket, always from the newest upload, even
             if notifications are late, repeated or out of order.
Refused:     for a file that is not a valid picture, one `rejected` line with the reason is logged,
             whatever error Pillow raises. The file is not retried. It is not deleted either: the
             user may have replaced it meanwhile, and uploads expire.
Failures:    an error of S3 after a few retries, or a bug, is raised after all other records are
             processed. Lambda delivers the event twice more, then to the dead-letter queue.
Environment: UPLOADS_BUCKET_NAME, AVATARS_BUCKET_NAME, UPLOAD_LIMIT_BYTES; Pillow itself reads
             PILLOW_BLOCKS_MAX.
Permissions: s3:GetObject on originals/* of the uploads bucket; s3:ListBucket on that bucket,
             without which S3 returns 403 for a missing object; s3:PutObject on avatars/* of the avatars
             bucket.
Limits:      JPEG, PNG and WebP; bytes, pixels and sides as in picture.py, segments and chunks as
             in jpeg.py and container.py, so that memory stays below half of 1024 MB. A large
             picture takes two seconds of CPU time, and S3 may be slow: timeout 60 seconds.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from shared.log import log
from thumbnail.notification import Ignored, avatar_of
from thumbnail.picture import Rejected, picture
from thumbnail.store import Store

# How often an upload is converted if it is replaced during each conversion. After that the event fails,
# and Lambda delivers it again.
_ATTEMPTS = 5


class Context(Protocol):
    """The part of Lambda's context that is read here."""

    @property
    def invoked_function_arn(self) -> str: ...


class ReplacedError(Exception):
    """The upload was replaced during each of _ATTEMPTS conversions."""


def handler(event: Mapping[str, Any], context: Context) -> None:
    """Handle a notification of S3."""
    store = Store(
        account=context.invoked_function_arn.split(":")[4],
        uploads=os.environ["UPLOADS_BUCKET_NAME"],
        avatars=os.environ["AVATARS_BUCKET_NAME"],
        limit=int(os.environ["UPLOAD_LIMIT_BYTES"]),
    )
    failures = []
    for avatar in dict.fromkeys(_avatars(event, store.uploads)):
        try:
            _create(avatar, store)
        except Exception as failure:  # noqa: BLE001  # Raised below, after the other records.
            log("failed", avatar=avatar, error="".join(traceback.format_exception(failure)))
            failures.append(failure)
    if failures:
        raise ExceptionGroup("avatars not created", failures)


def _avatars(event: Mapping[str, Any], uploads: str) -> Iterator[str]:
    """Yield the avatar id of each upload in *event*; S3's test event has no records."""
    for record in event.get("Records", ()):
        try:
            yield avatar_of(record, uploads)
        except Ignored as reason:
            log("ignored", reason=str(reason))


def _create(avatar: str, store: Store) -> None:
    """Create *avatar* from the current upload, and again if the upload is replaced meanwhile.

    The version of the upload is compared after the avatar is written. If two invocations convert two
    uploads, the one that writes last detects the newer upload and converts it. So the event does not
    need to identify the upload. (If the newest upload is rejected, the avatar is that of an older
    upload, not necessarily of the previous one.)
    """
    for _ in range(_ATTEMPTS):
        try:
            upload = store.upload(avatar)
            if upload is None:
                log("missing", avatar=avatar)
                return
            converted = picture(upload.content)
        except Rejected as reason:
            cause = repr(reason.__cause__) if reason.__cause__ else None
            log("rejected", avatar=avatar, reason=str(reason), error=cause)
            return
        store.publish(avatar, converted)
        log("created", avatar=avatar, bytes=len(upload.content))
        if store.newest(avatar) in {upload.version, None}:
            return
    raise ReplacedError(f"{avatar}: replaced {_ATTEMPTS} times during the conversion")
