"""The bucket of the site: what is in it, and the few ways in which that changes.

The bucket is the truth. `.published.json` in it remembers what S3 said when a file was stored,
with the ETag that S3 gave the content: while the list shows the same one, nothing has to be
asked. An ETag is only ever compared with itself, so nothing depends on how S3 makes it. Whatever
the record does not vouch for is asked for one by one; that is everything where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from operations.site.files import EACH_TIME, File, checksum
from operations.site.plan import Found, Published, Record

RECORD = ".published.json"  # Hidden files are never published, so no file can have its name.
JOBS = 10  # As many connections as botocore keeps open.
MOST_DELETED = 1000  # in one call

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Bucket:
    """A bucket of the account *owner*: it is asked for at every call."""

    client: Any
    name: str
    owner: str

    def look(self) -> Found:
        """What is there now."""
        record, etags = self._record(), self._list()
        known = {
            key: published
            for key, published in record.files.items()
            if etags.get(key) == published.etag
        }
        known.update(side_by_side(self._ask, etags.keys() - known))
        return Found(
            {key: known[key].file for key in etags},
            {key: known[key].etag for key in etags},
            record,
        )

    def put(self, key: str, body: bytes, file: File) -> str:
        """Store *file*, whose content is *body*, and return its ETag.

        S3 refuses a body that has not the checksum, so what was read is what is stored.
        """
        from deployer.aws import our_errors

        with our_errors(self._place(key)):
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
        """Delete all of *keys*; a version of each is kept for as long as the template says."""
        from deployer.aws import our_errors
        from deployer.errors import CloudError

        for start in range(0, len(keys), MOST_DELETED):
            objects = [{"Key": key} for key in keys[start : start + MOST_DELETED]]
            with our_errors(self._place()):
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

    def _list(self) -> dict[str, str]:
        """The ETag of every object, a page of a thousand at a time."""
        from deployer.aws import our_errors

        with our_errors(self._place()):
            pages = self.client.get_paginator("list_objects_v2").paginate(**self._here)
            objects = [each for page in pages for each in page.get("Contents", [])]
        listed = {each["Key"]: str(each["ETag"]) for each in objects}
        listed.pop(RECORD, None)
        return listed

    def _record(self) -> Record:
        """What was remembered; nothing, if it cannot be read: then all is looked at again."""
        import msgspec

        from deployer.aws import our_errors

        with our_errors(self._place(RECORD)):
            try:
                body = self.client.get_object(**self._here, Key=RECORD)["Body"].read()
            except self.client.exceptions.NoSuchKey:
                return Record()
        try:
            return msgspec.json.decode(body, type=Record)
        except msgspec.MsgspecError:
            return Record()

    def _ask(self, key: str) -> tuple[str, Published]:
        """What is stored under *key*: a checksum of our own making, or none."""
        from deployer.aws import our_errors

        with our_errors(self._place(key)):
            answer = self.client.head_object(**self._here, Key=key, ChecksumMode="ENABLED")
        stored = File(
            answer.get("ChecksumSHA256", ""), answer["ContentType"], answer.get("CacheControl", "")
        )
        return key, Published(stored, answer["ETag"])


def side_by_side(work: Callable[[Asked], Answer], asked: Iterable[Asked]) -> Iterator[Answer]:
    """Do *work* for each of what is *asked*, some at a time; the answers as they come.

    The threads are daemons and nobody waits for them: an interrupt, or the first error, ends it
    at once, and what was under way is done or not done.
    """
    from multiprocessing.pool import ThreadPool

    with ThreadPool(JOBS) as pool:
        yield from pool.imap_unordered(work, asked)
