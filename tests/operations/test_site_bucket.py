import io
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from deployer.aws.connect import connect_endpoint
from deployer.errors import CloudError
from operations.site.bucket import JOBS, Bucket, side_by_side
from operations.site.files import File, checksum
from operations.site.plan import Published, Record

BODY = b"content"
FILE = File(checksum(BODY), "text/plain; charset=utf-8", "no-cache")
SECOND = timedelta(seconds=1)


@pytest.fixture
def bucket(aws):
    """An empty bucket of this account."""
    name = f"site-{aws.endpoint.account}"
    region = {"LocationConstraint": "ca-central-1"}
    aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=region)
    there = aws.endpoint
    account = connect_endpoint(there.url, "ca-central-1", there.access_key, there.secret_key)
    return Bucket(account.client("s3", "ca-central-1"), name, there.account)


def test_what_is_put_is_found(bucket):
    """With and without the record: the bucket itself knows all that is compared."""
    etag = bucket.put("ä b.txt", BODY, FILE)
    asked = bucket.look()
    bucket.remember(Record({"ä b.txt": Published(FILE, etag)}, {"gone.txt": 1}))
    remembered = bucket.look()

    assert {"ä b.txt": FILE} == asked.files == remembered.files
    assert {"ä b.txt": etag} == asked.etags == remembered.etags
    assert Record() == asked.record
    assert {"gone.txt": 1} == remembered.record.unused


def test_another_content_is_asked_about(bucket):
    """The record vouches for what it saw, and for nothing else."""
    other = File(checksum(b"other"), "text/plain", "no-store")
    etag = bucket.put("a.txt", BODY, FILE)
    bucket.remember(Record({"a.txt": Published(FILE, etag)}))
    bucket.put("a.txt", b"other", other)

    found = bucket.look()

    assert {"a.txt": other} == found.files
    assert frozenset() == found.vouched


def next_second():
    """Wait until whatever is stored is younger than what was, as S3 tells time."""
    time.sleep(1.01 - time.time() % 1)


@pytest.mark.parametrize("change", [{"content_type": "image/png"}, {"cache_control": "no-store"}])
def test_other_headers_are_asked_about(bucket, change):
    """The same content has the same ETag; but it was stored after the record."""
    published = Record({key: Published(FILE, bucket.put(key, BODY, FILE)) for key in ("a", "b")})
    bucket.remember(published)
    next_second()
    bucket.put("a", BODY, replace(FILE, **change))

    found = bucket.look()

    assert {"a": replace(FILE, **change), "b": FILE} == found.files
    assert {"b"} == found.vouched


class Timed:
    """A bucket of one file, a record that knows it, and what is asked of the file itself."""

    RECORD = datetime(2026, 1, 1, 12, 0, 1, tzinfo=UTC)

    def __init__(self, stored):
        self.stored, self.asked = stored, []

    def get_object(self, **_):
        body = msgspec.json.encode(Record({"a.txt": Published(FILE, "etag")}))
        return {"Body": io.BytesIO(body), "LastModified": self.RECORD}

    def get_paginator(self, _):
        return self

    def paginate(self, **_):
        listed = {"Key": "a.txt", "ETag": "etag", "LastModified": self.stored}
        return [{"Contents": [listed]}]

    def head_object(self, *, Key, **_):  # noqa: N803
        self.asked.append(Key)
        return {"ETag": "etag", "ContentType": "image/png"}


@pytest.mark.parametrize(
    ("later", "asked"),
    [(-SECOND, False), (0 * SECOND, False), (0.9 * SECOND, False), (SECOND, True)],
    ids=["before", "at once", "in the same second", "after"],
)
def test_who_vouches_for_what_was_stored_when(later, asked):
    """A publication stores files and record within a second; nothing of that is asked about."""
    timed = Timed(Timed.RECORD + later)

    found = Bucket(timed, "site", "1").look()

    assert (["a.txt"] if asked else []) == timed.asked
    assert ("image/png" if asked else FILE.content_type) == found.files["a.txt"].content_type
    assert (set() if asked else {"a.txt"}) == found.vouched


def test_what_others_put_is_nothing_of_ours(bucket):
    """A file without our checksum differs from every file, whatever S3 calls its content."""
    bucket.client.put_object(Bucket=bucket.name, Key="a.txt", Body=BODY)

    assert "" == bucket.look().files["a.txt"].sha256


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"files": 1}', b'{"files": {"a": {}}}'])
def test_a_record_that_cannot_be_read(bucket, body):
    """Is none: everything is asked about."""
    bucket.put("a.txt", BODY, FILE)
    bucket.client.put_object(Bucket=bucket.name, Key=".published.json", Body=body)

    found = bucket.look()

    assert (Record(), {"a.txt": FILE}) == (found.record, found.files)


def test_a_file_that_changes_on_the_way(bucket):
    """S3 compares what comes with the checksum of what was planned."""
    with pytest.raises(CloudError, match=r"s3://site-\d+/a\.txt: PutObject"):
        bucket.put("a.txt", b"another build", FILE)

    assert {} == bucket.look().files


def test_a_bucket_of_somebody_else(bucket):
    """Every call says whose it has to be."""
    stranger = Bucket(bucket.client, bucket.name, "999999999999")

    for call in (
        stranger.look,
        lambda: stranger.put("a.txt", BODY, FILE),
        lambda: stranger.delete(["a.txt"]),
        lambda: stranger.remember(Record()),
    ):
        with pytest.raises(CloudError, match=r"403|AccessDenied"):
            call()


class Refusing:
    """A bucket that keeps some of what it is asked to delete."""

    def delete_objects(self, *, Delete, **_):  # noqa: N803
        keys = [each["Key"] for each in Delete["Objects"]]
        return {"Errors": [{"Key": key, "Code": "AccessDenied"} for key in keys if key == "b.txt"]}


def test_a_deletion_that_is_refused():
    """S3 says so in an answer that is otherwise fine."""
    bucket = Bucket(Refusing(), "site", "1")

    with pytest.raises(CloudError, match=r"s3://site/b\.txt: AccessDenied"):
        bucket.delete(["a.txt", "b.txt", "c.txt"])


def test_a_name_that_xml_cannot_hold_is_deleted_by_itself(bucket):
    """The list of what is deleted is XML; S3 has such names all the same."""
    odd = ["a\x01.txt", "line\nbreak.txt", "c\r.txt", "\x85.txt", "\uffff.txt"]
    for key in (*odd, "plain.txt", "stays.txt"):
        bucket.put(key, BODY, FILE)

    bucket.delete([*odd, "plain.txt"])

    assert ["stays.txt"] == sorted(bucket.look().files)


def test_side_by_side():
    """So many at a time, and every answer comes."""
    together = threading.Barrier(JOBS)

    def meet(number):
        together.wait(10)
        return number

    assert list(range(2 * JOBS)) == sorted(side_by_side(meet, range(2 * JOBS)))


def test_the_first_error_ends_it():
    """Nothing else is begun, and nobody waits for what hangs."""
    done, hangs = [], threading.Event()

    def work(number):
        if number == 0:
            raise CloudError("no")
        if number < JOBS:
            hangs.wait(20)
        done.append(number)

    began = time.monotonic()
    with pytest.raises(CloudError, match="no"):
        list(side_by_side(work, range(1000)))
    seconds = time.monotonic() - began
    hangs.set()

    assert seconds < 2
    assert len(done) < 1000
