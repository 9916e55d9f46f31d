"""The bucket of the site: what is in it, and the few ways in which that changes.

The bucket is the truth. `.published.json` in it remembers what S3 said when a file was stored,
with the ETag that S3 gave the content: while the list shows the same one, and no later time than
that of the record itself, nothing has to be asked. An ETag is only ever compared with itself, so
nothing depends on how S3 makes it. Whatever the record does not vouch for is asked for one by
one; that is everything where there is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from operations.site.files import EACH_TIME, File, checksum
from operations.site.plan import Found, Published, Record

RECORD = ".published.json"  # Hidden files are never published, so no file can have its name.
JOBS = 10  # As many connections as botocore keeps open.
MOST_DELETED = 1000  # in one call
# Control characters, of which XML 1.0 cannot hold most, and others are read as a space or line end.
_NOT_IN_XML = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff]")
NEVER = datetime.min.replace(tzinfo=UTC)

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Listed:
    """What the list says of an object: the name of its content, and when it was stored."""

    etag: str
    stored: datetime


@dataclass(frozen=True)
class Remembered:
    """The record, and when it was stored."""

    record: Record = field(default_factory=Record)
    stored: datetime = NEVER

    def vouches(self, key: str, listed: Listed) -> bool:
        """The object is still the one in the record, headers and all.

        The ETag tells another content. What else may differ only changes when an object is stored
        anew, so none that is younger than the record is taken for granted. Both times are S3's
        own, in whole seconds. One of the same second is: a publication stores its last files and
        the record within one, and they would be asked about in every run. That misses new headers
        for an old content if they came while a publication ran, or in the second it ended.
        """
        published = self.record.files.get(key)
        return published is not None and (
            published.etag == listed.etag and listed.stored <= self.stored
        )


@dataclass(frozen=True)
class Bucket:
    """A bucket of the account *owner*: it is asked for at every call."""

    client: Any
    name: str
    owner: str

    def look(self) -> Found:
        """What is there now."""
        remembered, listed = self._record(), self._list()
        record = remembered.record
        vouched = frozenset(key for key, each in listed.items() if remembered.vouches(key, each))
        known = {key: record.files[key] for key in vouched}
        known.update(side_by_side(self._ask, listed.keys() - vouched))
        return Found(
            {key: known[key].file for key in listed},
            {key: known[key].etag for key in listed},
            record,
            vouched,
        )

    def put(self, key: str, body: bytes, file: File) -> str:
        """Store *file*, whose content is *body*, and return its ETag.

        S3 refuses a body that has not the checksum, so what was read is what is stored.
        """
        answer = self.client.put_object(
            **self._here,
            Key=key,
            Body=body,
            ContentType=file.content_type,
            CacheControl=file.cache_control,
            ChecksumSHA256=file.sha256,
        )
        return str(answer["ETag"])

    def delete(self, keys: Sequence[str]) -> None:
        """Delete all of *keys*; a version of each is kept for as long as the template says.

        A key that XML cannot hold is deleted by itself: there it is in the address.
        """
        from deployer.errors import CloudError

        by_itself = [key for key in keys if _NOT_IN_XML.search(key)]
        for key in by_itself:
            self.client.delete_object(**self._here, Key=key)
        together = [key for key in keys if key not in {*by_itself}]
        for start in range(0, len(together), MOST_DELETED):
            objects = [{"Key": key} for key in together[start : start + MOST_DELETED]]
            answer = self.client.delete_objects(
                **self._here, Delete={"Objects": objects, "Quiet": True}
            )
            for error in answer.get("Errors", []):
                raise CloudError(f"{self._place(error['Key'])}: {error['Code']}")

    def remember(self, record: Record) -> None:
        """Keep *record* for the next look."""
        import msgspec

        body = msgspec.json.encode(record)
        self.put(RECORD, body, File(checksum(body), "application/json", EACH_TIME))

    @property
    def _here(self) -> dict[str, str]:
        return {"Bucket": self.name, "ExpectedBucketOwner": self.owner}

    def _place(self, key: str = "") -> str:
        return f"s3://{self.name}/{key}"

    def _list(self) -> dict[str, Listed]:
        """Every object but the record, a page of a thousand at a time."""
        pages = self.client.get_paginator("list_objects_v2").paginate(**self._here)
        objects = [each for page in pages for each in page.get("Contents", [])]
        listed = {each["Key"]: Listed(each["ETag"], _second(each)) for each in objects}
        listed.pop(RECORD, None)
        return listed

    def _record(self) -> Remembered:
        """What was remembered; nothing, if it cannot be read: then all is looked at again."""
        import msgspec

        from deployer.aws.errors import translate_errors
        from deployer.errors import CloudError

        with translate_errors(self._place(RECORD)):
            try:
                answer = self.client.get_object(**self._here, Key=RECORD)
                body = answer["Body"].read()
            except CloudError as error:
                if error.aws_code != "NoSuchKey":
                    raise
                return Remembered()
        try:
            return Remembered(msgspec.json.decode(body, type=Record), _second(answer))
        except msgspec.MsgspecError:
            return Remembered()

    def _ask(self, key: str) -> tuple[str, Published]:
        """What is stored under *key*: a checksum of our own making, or none."""
        answer = self.client.head_object(**self._here, Key=key, ChecksumMode="ENABLED")
        stored = File(
            answer.get("ChecksumSHA256", ""), answer["ContentType"], answer.get("CacheControl", "")
        )
        return key, Published(stored, answer["ETag"])


def _second(answer: dict[str, Any]) -> datetime:
    """When an object was stored. A header has whole seconds, and a list may have parts of them."""
    stored: datetime = answer["LastModified"]
    return stored.replace(microsecond=0)


def side_by_side(work: Callable[[Asked], Answer], asked: Iterable[Asked]) -> Iterator[Answer]:
    """Do *work* for each of what is *asked*, some at a time; the answers as they come.

    The threads are daemons and nobody waits for them: an interrupt, or the first error, ends it
    at once, and what was under way is done or not done.
    """
    from multiprocessing.pool import ThreadPool

    with ThreadPool(JOBS) as pool:
        yield from pool.imap_unordered(work, asked)
