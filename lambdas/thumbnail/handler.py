"""Makes the avatar that everyone sees out of what a person uploaded.

Event:       S3's notification of the uploads bucket, ObjectCreated:*: events/*.json. Any number of
             records; what is not an upload of ours is logged as `ignored`.
Result:      none, since S3 does not wait for one. `originals/<avatar id>` has become
             `avatars/<avatar id>.jpg` in the avatars bucket: the picture of the newest upload,
             however late, often or out of order S3 tells of it.
Refused:     a file that is not a valid picture is one `rejected` line with its reason, whatever
             error Pillow raises. It is not retried, and not deleted: the user may have replaced
             it by then, and it expires.
Fails:       if S3 fails after a few retries, or this code does; after all other records, so that
             Lambda delivers the event again (twice), then to the function's failure queue.
Environment: UPLOADS_BUCKET_NAME, AVATARS_BUCKET_NAME, UPLOAD_LIMIT_BYTES; PILLOW_BLOCKS_MAX is
             Pillow's own.
Permissions: s3:GetObject on originals/* of the uploads bucket; s3:ListBucket on that bucket,
             without which S3 says 403 of what is gone; s3:PutObject on avatars/* of the avatars
             bucket.
Limits:      JPEG, PNG and WebP; bytes, pixels and sides as in picture.py, segments and chunks as
             in jpeg.py and container.py, which keep it below half of 1024 MB. A large picture
             takes two seconds of a processor, and S3 may be slow: 60 seconds.
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

# A picture that is replaced this often while it is made is left to the next delivery.
_TURNS = 5


class Context(Protocol):
    """What of Lambda's context is read here."""

    @property
    def invoked_function_arn(self) -> str: ...


class ReplacedError(Exception):
    """A person uploads faster than we look."""


def handler(event: Mapping[str, Any], context: Context) -> None:
    store = Store(
        account=context.invoked_function_arn.split(":")[4],
        uploads=os.environ["UPLOADS_BUCKET_NAME"],
        avatars=os.environ["AVATARS_BUCKET_NAME"],
        limit=int(os.environ["UPLOAD_LIMIT_BYTES"]),
    )
    failures = []
    for avatar in dict.fromkeys(_asked(event, store.uploads)):
        try:
            _make(avatar, store)
        except Exception as failure:  # noqa: BLE001  # raised below: first the others get their turn
            log("failed", avatar=avatar, error="".join(traceback.format_exception(failure)))
            failures.append(failure)
    if failures:
        raise ExceptionGroup("avatars not made", failures)


def _asked(event: Mapping[str, Any], uploads: str) -> Iterator[str]:
    """The avatar of each upload that *event* tells of; S3's test event has no records."""
    for record in event.get("Records", ()):
        try:
            yield avatar_of(record, uploads)
        except Ignored as reason:
            log("ignored", reason=str(reason))


def _make(avatar: str, store: Store) -> None:
    """Make *avatar* of what is uploaded now, and again if that was replaced meanwhile.

    Whoever writes looks afterwards: so of two workers on two uploads, whichever writes last
    finds the newer one and writes that. No event has to say which upload it means. (If the newest
    is refused, the picture is of an older upload, though not surely of the one before it.)
    """
    for _ in range(_TURNS):
        try:
            original = store.original(avatar)
            if original is None:
                log("gone", avatar=avatar)
                return
            shown = picture(original.content)
        except Rejected as reason:
            cause = repr(reason.__cause__) if reason.__cause__ else None
            log("rejected", avatar=avatar, reason=str(reason), error=cause)
            return
        store.show(avatar, shown)
        log("made", avatar=avatar, bytes=len(original.content))
        if store.newest(avatar) in {original.version, None}:
            return
    raise ReplacedError(f"{avatar}: replaced {_TURNS} times while it was made")
