"""The bucket of the site is read, with or without the record of the last publication, and changed.

The record `.published.json` contains the headers of the published files, so that these files need no
HeadObject call.
"""

import io
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from deployer.aws.connect import connect_endpoint
from deployer.errors import CloudError
from operations.site.bucket import MAX_THREADS, Bucket, map_concurrently
from operations.site.files import File, checksum
from operations.site.plan import Record, StoredFile

BODY = b"content"
FILE = File(checksum(BODY), "text/plain; charset=utf-8", "no-cache")
SECOND = timedelta(seconds=1)


@pytest.fixture
def bucket(aws):
    """An empty bucket of the emulator's account."""
    name = f"site-{aws.endpoint.account}"
    region = {"LocationConstraint": "ca-central-1"}
    aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=region)
    endpoint = aws.endpoint
    account = connect_endpoint(
        endpoint.url, "ca-central-1", endpoint.access_key, endpoint.secret_key
    )
    return Bucket(account.client("s3", "ca-central-1"), name, endpoint.account)


def test_files_are_read_with_and_without_the_record(bucket):
    """Without the record the same files are returned: S3 stores all headers and checksums."""
    etag = bucket.put("ä b.txt", BODY, FILE)
    without = bucket.read()
    bucket.write_record(Record({"ä b.txt": StoredFile(FILE, etag)}, {"gone.txt": 1}))
    with_record = bucket.read()

    assert {"ä b.txt": FILE} == without.files == with_record.files
    assert {"ä b.txt": etag} == without.etags == with_record.etags
    assert Record() == without.record
    assert with_record.record.unused == {"gone.txt": 1}


def test_another_content_is_read(bucket):
    """The headers of a file are read from S3 if its ETag differs from that in the record."""
    other = File(checksum(b"other"), "text/plain", "no-store")
    etag = bucket.put("a.txt", BODY, FILE)
    bucket.write_record(Record({"a.txt": StoredFile(FILE, etag)}))
    bucket.put("a.txt", b"other", other)

    found = bucket.read()

    assert found.files == {"a.txt": other}
    assert frozenset() == found.verified


def next_second():
    """Wait until S3's time, in whole seconds, is later."""
    time.sleep(1.01 - time.time() % 1)


@pytest.mark.parametrize("change", [{"content_type": "image/png"}, {"cache_control": "no-store"}])
def test_other_headers_are_read(bucket, change):
    """The headers of a file are read from S3 if the file was stored after the record."""
    published = Record({key: StoredFile(FILE, bucket.put(key, BODY, FILE)) for key in ("a", "b")})
    bucket.write_record(published)
    next_second()
    bucket.put("a", BODY, replace(FILE, **change))

    found = bucket.read()

    assert found.files == {"a": replace(FILE, **change), "b": FILE}
    assert found.verified == {"b"}


class FakeClient:
    """A bucket with one file and a record of it; *heads* are the HeadObject calls."""

    RECORD = datetime(2026, 1, 1, 12, 0, 1, tzinfo=UTC)

    def __init__(self, stored):
        self.stored, self.heads = stored, []

    def get_object(self, **_):
        body = msgspec.json.encode(Record({"a.txt": StoredFile(FILE, "etag")}))
        return {"Body": io.BytesIO(body), "LastModified": self.RECORD}

    def get_paginator(self, _):
        return self

    def paginate(self, **_):
        listed = {"Key": "a.txt", "ETag": "etag", "LastModified": self.stored}
        return [{"Contents": [listed]}]

    def head_object(self, *, Key, **_):  # noqa: N803
        self.heads.append(Key)
        return {"ETag": "etag", "ContentType": "image/png"}


@pytest.mark.parametrize(
    ("later", "is_read"),
    [(-SECOND, False), (0 * SECOND, False), (0.9 * SECOND, False), (SECOND, True)],
    ids=["before", "at the same time", "in the same second", "after"],
)
def test_files_stored_after_the_record_are_read(later, is_read):
    """A file of the same second as the record is verified, because a publication stores both."""
    client = FakeClient(FakeClient.RECORD + later)

    found = Bucket(client, "site", "1").read()

    assert (["a.txt"] if is_read else []) == client.heads
    assert ("image/png" if is_read else FILE.content_type) == found.files["a.txt"].content_type
    assert (set() if is_read else {"a.txt"}) == found.verified


def test_a_file_without_a_checksum(bucket):
    """A file that another program stored differs from every built file."""
    bucket.client.put_object(Bucket=bucket.name, Key="a.txt", Body=BODY)

    assert bucket.read().files["a.txt"].sha256 == ""


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"files": 1}', b'{"files": {"a": {}}}'])
def test_an_invalid_record(bucket, body):
    """An invalid record is ignored, and every file is read."""
    bucket.put("a.txt", BODY, FILE)
    bucket.client.put_object(Bucket=bucket.name, Key=".published.json", Body=body)

    found = bucket.read()

    assert (Record(), {"a.txt": FILE}) == (found.record, found.files)


def test_a_file_that_changed_since_it_was_read(bucket):
    """An upload whose body does not match the checksum is refused by S3."""
    with pytest.raises(CloudError, match=r"s3://site-\d+/a\.txt: PutObject"):
        bucket.put("a.txt", b"another build", FILE)

    assert bucket.read().files == {}


def test_a_bucket_of_another_account(bucket):
    """Every call names the expected owner."""
    foreign = Bucket(bucket.client, bucket.name, "999999999999")

    for call in (
        foreign.read,
        lambda: foreign.put("a.txt", BODY, FILE),
        lambda: foreign.delete(["a.txt"]),
        lambda: foreign.write_record(Record()),
    ):
        with pytest.raises(CloudError, match=r"403|AccessDenied"):
            call()


class Refusing:
    """A bucket that refuses to delete b.txt."""

    def delete_objects(self, *, Delete, **_):  # noqa: N803
        keys = [item["Key"] for item in Delete["Objects"]]
        return {"Errors": [{"Key": key, "Code": "AccessDenied"} for key in keys if key == "b.txt"]}


def test_a_deletion_that_is_refused():
    """A key in the errors of a DeleteObjects response is raised as an error."""
    bucket = Bucket(Refusing(), "site", "1")

    with pytest.raises(CloudError, match=r"s3://site/b\.txt: AccessDenied"):
        bucket.delete(["a.txt", "b.txt", "c.txt"])


def test_names_that_xml_cannot_contain_are_deleted(bucket):
    """Keys that DeleteObjects would refuse are deleted one by one with DeleteObject."""
    odd = ["a\x01.txt", "line\nbreak.txt", "c\r.txt", "\x85.txt", "\uffff.txt"]
    for key in (*odd, "plain.txt", "stays.txt"):
        bucket.put(key, BODY, FILE)

    bucket.delete([*odd, "plain.txt"])

    assert sorted(bucket.read().files) == ["stays.txt"]


def test_calls_run_concurrently():
    """MAX_THREADS calls run at a time, and all results are returned."""
    barrier = threading.Barrier(MAX_THREADS)

    def wait(number):
        barrier.wait(60)
        return number

    assert list(range(2 * MAX_THREADS)) == sorted(map_concurrently(wait, range(2 * MAX_THREADS)))


def test_the_first_error_ends_all_calls():
    """No further call starts, and running calls are not waited for."""
    completed, released = [], threading.Event()

    def work(number):
        if number == 0:
            raise CloudError("no")
        if number < MAX_THREADS:
            released.wait(60)
        completed.append(number)

    with pytest.raises(CloudError, match="no"):
        list(map_concurrently(work, range(1000)))
    completed_before = sorted(completed)
    released.set()

    assert [number for number in completed_before if number < MAX_THREADS] == []
    assert len(completed) < 1000
