"""Read and change the site's bucket.

The object `.published.json` is the record of the last complete publication. It holds the headers and
the ETag of each file. HeadObject is called only for files whose ETag differs from the record, and
for files that were stored after the record. Without a record it is called for all files.
ETags are only compared with ETags, so it does not matter how S3 computes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from deployer.errors import CloudError
from operations.site.files import NO_CACHE, File, checksum
from operations.site.plan import PublishedSite, Record, StoredFile

RECORD = ".published.json"  # Hidden files are not published, so no file has this name.
MAX_THREADS = 10  # As many connections as botocore keeps open.
MAX_DELETED = 1000  # The limit of one DeleteObjects call.
# Most control characters cannot be part of XML 1.0; others are read as a space or a line end.
_NOT_IN_XML = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff]")
NEVER = datetime.min.replace(tzinfo=UTC)

Argument = TypeVar("Argument")
Result = TypeVar("Result")


@dataclass(frozen=True)
class ListedObject:
    """An object as ListObjectsV2 returns it: its ETag, and when it was stored."""

    etag: str
    stored: datetime


@dataclass(frozen=True)
class StoredRecord:
    """The record, and when it was stored."""

    record: Record = field(default_factory=Record)
    stored: datetime = NEVER

    def verifies(self, key: str, listed: ListedObject) -> bool:
        """Return whether the object *key* is certainly the recorded one, including its headers.

        Different content has a different ETag. A change of headers needs a new upload, so an object
        that was stored after the record is not verified. S3 reports both times in whole seconds. An
        object of the same second is verified, because a publication stores its last files and the
        record within a second. So a change of headers alone is not detected if it happens during a
        publication or in the second after it.
        """
        recorded = self.record.files.get(key)
        return recorded is not None and (
            recorded.etag == listed.etag and listed.stored <= self.stored
        )


@dataclass(frozen=True)
class Bucket:
    """A bucket; every call fails if its owner is not the account *owner*."""

    client: Any
    name: str
    owner: str

    def read(self) -> PublishedSite:
        """Return the files in the bucket."""
        stored_record, listed = self._read_record(), self._list()
        record = stored_record.record
        verified = frozenset(
            key for key, object_ in listed.items() if stored_record.verifies(key, object_)
        )
        files = {key: record.files[key] for key in verified}
        files.update(map_concurrently(self._head, listed.keys() - verified))
        return PublishedSite(
            {key: files[key].file for key in listed},
            {key: files[key].etag for key in listed},
            record,
            verified,
        )

    def put(self, key: str, body: bytes, file: File) -> str:
        """Store *file*, whose content is *body*, and return its ETag.

        S3 refuses a body that does not match the checksum in *file*.
        """
        response = self.client.put_object(
            **self._arguments,
            Key=key,
            Body=body,
            ContentType=file.content_type,
            CacheControl=file.cache_control,
            ChecksumSHA256=file.sha256,
        )
        return str(response["ETag"])

    def delete(self, keys: Sequence[str]) -> None:
        """Delete the files *keys*; the bucket keeps their versions for noncurrent_version_days.

        DeleteObjects sends keys as XML. A key with characters that XML cannot contain is deleted
        with DeleteObject, which sends it in the URL.
        """
        not_in_xml = [key for key in keys if _NOT_IN_XML.search(key)]
        for key in not_in_xml:
            self.client.delete_object(**self._arguments, Key=key)
        others = [key for key in keys if key not in {*not_in_xml}]
        for start in range(0, len(others), MAX_DELETED):
            objects = [{"Key": key} for key in others[start : start + MAX_DELETED]]
            response = self.client.delete_objects(
                **self._arguments, Delete={"Objects": objects, "Quiet": True}
            )
            for error in response.get("Errors", []):
                raise CloudError(f"{self._url(error['Key'])}: {error['Code']}")

    def write_record(self, record: Record) -> None:
        """Store *record* for the next publication."""
        import msgspec

        body = msgspec.json.encode(record)
        self.put(RECORD, body, File(checksum(body), "application/json", NO_CACHE))

    @property
    def _arguments(self) -> dict[str, str]:
        return {"Bucket": self.name, "ExpectedBucketOwner": self.owner}

    def _url(self, key: str = "") -> str:
        return f"s3://{self.name}/{key}"

    def _list(self) -> dict[str, ListedObject]:
        """Return all objects except the record."""
        pages = self.client.get_paginator("list_objects_v2").paginate(**self._arguments)
        objects = [item for page in pages for item in page.get("Contents", [])]
        listed = {item["Key"]: ListedObject(item["ETag"], _stored_at(item)) for item in objects}
        listed.pop(RECORD, None)
        return listed

    def _read_record(self) -> StoredRecord:
        """Return the record; an empty one if it is missing or invalid."""
        import msgspec

        from deployer.aws.errors import translate_errors

        try:
            response = self.client.get_object(**self._arguments, Key=RECORD)
        except CloudError as error:
            if error.aws_code == "NoSuchKey":
                return StoredRecord()
            raise
        with translate_errors(self._url(RECORD)):
            body = response["Body"].read()
        try:
            return StoredRecord(msgspec.json.decode(body, type=Record), _stored_at(response))
        except msgspec.MsgspecError:
            return StoredRecord()

    def _head(self, key: str) -> tuple[str, StoredFile]:
        """Read the headers of *key*; the checksum is empty if another program stored the object."""
        response = self.client.head_object(**self._arguments, Key=key, ChecksumMode="ENABLED")
        file = File(
            response.get("ChecksumSHA256", ""),
            response["ContentType"],
            response.get("CacheControl", ""),
        )
        return key, StoredFile(file, response["ETag"])


def _stored_at(response: dict[str, Any]) -> datetime:
    """Return when an object was stored, in whole seconds; some responses have fractions."""
    stored: datetime = response["LastModified"]
    return stored.replace(microsecond=0)


def map_concurrently(
    function: Callable[[Argument], Result], arguments: Iterable[Argument]
) -> Iterator[Result]:
    """Call *function* with each argument, in MAX_THREADS threads; yield results as they complete.

    The threads are daemons: an interrupt or the first error ends this without waiting for them.
    """
    from multiprocessing.pool import ThreadPool

    with ThreadPool(MAX_THREADS) as pool:
        yield from pool.imap_unordered(function, arguments)
