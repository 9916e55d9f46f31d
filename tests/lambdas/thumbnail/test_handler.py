"""Notifications, retries and the log of the thumbnail function.

test_picture.py tests which files are converted or rejected.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from PIL.PngImagePlugin import PngImageFile

from shared.avatars import avatar_id, avatar_key, upload_key
from tests.lambdas.thumbnail import pictures
from tests.lambdas.thumbnail.fake_s3 import Call, call_first, error, no_fault, response
from tests.lambdas.thumbnail.pictures import BLUE, RED, encoded, is_close, solid_image
from tests.lambdas.thumbnail.thumbnail_function import (
    ADA,
    AVATARS,
    BOB,
    CONTEXT,
    LIMIT,
    ThumbnailFunction,
    assert_converted,
    assert_rejected,
    upload_record,
)
from thumbnail import handler

pytestmark = pytest.mark.thorough

EVENTS = Path(handler.__file__).with_name("events")
NOT_CREATED, OTHER_BUCKET, OTHER_KEY = (
    "not an object created",
    "another bucket",
    "not the key of an upload",
)


def test_keys_are_unquoted_once(function: ThumbnailFunction) -> None:
    """`%252F` in a key is not a slash."""
    function.upload(encoded(solid_image()))

    function.notify(
        upload_record(key=f"originals%2F{ADA}"), upload_record(key=f"originals%252F{ADA}")
    )

    assert sorted(function.log_events) == ["created", "ignored"]
    assert {key for _, key in function.s3.objects} == {upload_key(ADA), avatar_key(ADA)}


IGNORED = {
    "plus and space": (upload_record(key="originals/a+b%20c"), OTHER_KEY),
    "not ASCII": (upload_record(key="originals/%C3%A9%FF"), OTHER_KEY),
    **{
        f"key {key}": (upload_record(key=key), OTHER_KEY)
        for key in (
            ADA,
            f"avatars/{ADA}",
            f"avatars/{ADA}.jpg",
            f"originals/{ADA}.jpg",
            f"originals/{ADA.upper()}",
            f"originals/{{{ADA}}}",
            f"originals/{ADA.replace('-', '')}",
            f"originals/../{ADA}",
            f"originals/x/{ADA}",
            f"originals/originals/{ADA}",
            "originals/undefined",
            "originals/",
            "",
        )
    },
    "avatars bucket": (upload_record(bucket=AVATARS, key=avatar_key(ADA)), OTHER_BUCKET),
    "deletion": (upload_record(event_name="ObjectRemoved:Delete"), NOT_CREATED),
    "another service": (upload_record(event_source="aws:sqs"), NOT_CREATED),
    "no key": ({"eventSource": "aws:s3", "s3": {}}, NOT_CREATED),
    "unknown bucket": (upload_record(bucket="evil"), OTHER_BUCKET),
}


@pytest.mark.parametrize(("record", "reason"), IGNORED.values(), ids=IGNORED)
def test_records_that_are_not_uploads_are_ignored(
    function: ThumbnailFunction, record: dict[str, Any], reason: str
) -> None:
    """Records that are not uploads are logged with a reason, and no request is sent to S3."""
    function.upload(encoded(solid_image()))

    function.notify(record)

    assert (function.log_events, function.log_reasons) == (["ignored"], [reason])
    assert function.s3.calls == []


def test_repeated_notifications_write_the_same_avatar(function: ThumbnailFunction) -> None:
    """Each invocation writes the avatar once, even if the event has the upload twice."""
    function.upload(encoded(solid_image()))

    function.notify(upload_record())
    first = function.avatar()
    function.notify(upload_record(), upload_record())

    assert function.avatar() == first
    assert len(function.calls("PUT")) == 2


def test_a_late_notification_converts_the_newest_upload(function: ThumbnailFunction) -> None:
    """If the notification of the first upload arrives last, the newest upload is converted."""
    function.upload(encoded(solid_image(RED)))
    function.upload(encoded(solid_image(BLUE)))

    function.notify(upload_record())
    function.notify(upload_record())

    assert is_close(BLUE, function.centre_colour())


def test_concurrent_invocations_end_with_the_newest_upload(function: ThumbnailFunction) -> None:
    """If an invocation with the old upload writes last, the newest upload is converted again."""
    function.upload(encoded(solid_image(RED)))

    def fast_invocation() -> None:
        function.upload(encoded(solid_image(BLUE)))
        handler.handler({"Records": [upload_record()]}, CONTEXT)
        assert is_close(BLUE, function.centre_colour())

    function.s3.faults = [no_fault, call_first(fast_invocation)]  # Between reading and writing.
    function.notify(upload_record())

    assert is_close(BLUE, function.centre_colour())


def test_endless_uploads_are_left_to_the_next_delivery(function: ThumbnailFunction) -> None:
    """After five conversions of uploads that are replaced meanwhile, the function fails."""
    function.upload(encoded(solid_image()))

    def replace_upload(_: Any) -> None:
        function.upload(encoded(solid_image((len(function.s3.calls), 0, 0))))

    function.s3.faults = [replace_upload] * 1000

    (failure,) = function.notify_failing(upload_record())

    assert isinstance(failure, handler.ReplacedError)
    assert len(function.calls("PUT")) == 5


def test_a_deleted_upload_is_logged(function: ThumbnailFunction) -> None:
    """An upload that was deleted before it is read needs no retry."""
    function.notify(upload_record())

    assert function.log_events == ["missing"]


def test_status_403_is_an_error(function: ThumbnailFunction) -> None:
    """A 403 of S3 is raised: the role may list the bucket, so a missing object is 404."""
    function.s3.faults = [error(403, "AccessDenied")]

    (failure,) = function.notify_failing(upload_record())

    assert "AccessDenied" in str(failure)


def test_an_avatar_remains_without_its_upload(function: ThumbnailFunction) -> None:
    """The avatar stays if the upload is deleted right after the conversion."""
    function.upload(encoded(solid_image()))
    function.s3.faults = [no_fault, no_fault, call_first(function.s3.objects.clear)]

    function.notify(upload_record())

    assert function.log_events == ["created"]


def test_three_errors_of_s3_are_retried(function: ThumbnailFunction) -> None:
    """After three errors of S3, the fourth attempt succeeds within the invocation."""
    function.upload(encoded(solid_image()))
    function.s3.faults = [error(503, "SlowDown")] * 3

    function.notify(upload_record())

    assert function.log_events == ["created"]
    assert len(function.calls("GET")) == 4


def test_an_unavailable_s3_is_an_error(function: ThumbnailFunction) -> None:
    """After four attempts Lambda retries, and then uses the dead-letter queue."""
    function.upload(encoded(solid_image()))
    function.s3.faults = [error(503, "SlowDown")] * 100

    (failure,) = function.notify_failing(upload_record())

    assert "SlowDown" in str(failure)
    assert function.log_events == ["failed"]
    assert len(function.s3.calls) == 4


def test_a_timeout_of_s3_is_an_error(function: ThumbnailFunction) -> None:
    """After a timeout of S3 the function fails, and the next invocation writes the avatar."""
    function.upload(encoded(solid_image()))

    def time_out(request: Any) -> None:
        raise ReadTimeoutError(endpoint_url=request.url)

    function.s3.faults = [no_fault, *[time_out] * 4]

    (failure,) = function.notify_failing(upload_record())
    function.notify(upload_record())

    assert isinstance(failure, ReadTimeoutError)
    assert function.log_events == ["created"]


def test_a_lost_connection_is_not_a_damaged_picture(function: ThumbnailFunction) -> None:
    """A picture that is incomplete because the connection broke is not rejected."""
    content = encoded(solid_image(), "JPEG")
    function.upload(content)
    headers = {"Content-Length": str(len(content)), "ETag": '"x"'}
    function.s3.faults = [lambda request: response(request, 200, headers, content[:-500])]

    (failure,) = function.notify_failing(upload_record())

    assert type(failure).__name__ == "IncompleteReadError"
    assert function.log_events == ["failed"]


def test_one_failure_does_not_stop_other_records(function: ThumbnailFunction) -> None:
    """Other uploads of the event are converted after an error and a rejected picture."""
    carol, dan = avatar_id("carol"), avatar_id("dan")
    function.upload(encoded(solid_image()), ADA)
    function.upload(b"<svg/>", BOB)
    function.upload(encoded(solid_image()), carol)
    function.s3.faults = [error(403, "AccessDenied")]  # For the first request.

    failures = function.notify_failing(*map(upload_record, (ADA, BOB, carol, dan)))

    assert function.log_events == ["failed", "rejected", "created", "missing"]
    assert len(failures) == 1
    assert function.avatar(carol) is not None


def test_lack_of_memory_is_an_error(
    function: ThumbnailFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A MemoryError does not reject the picture, because a retry may succeed."""
    function.upload(encoded(solid_image()))

    def load(_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(PngImageFile, "load", load)
    (failure,) = function.notify_failing(upload_record())

    assert isinstance(failure, MemoryError)
    assert "MemoryError" in function.log_lines[0]["error"]


def test_events_without_uploads_send_no_request(function: ThumbnailFunction) -> None:
    """An event without uploads, such as the test event of S3, causes no request."""
    for name in ("test.json", "created.json"):
        handler.handler(json.loads((EVENTS / name).read_text()), CONTEXT)
    handler.handler({"Records": []}, CONTEXT)
    handler.handler({}, CONTEXT)

    assert function.s3.calls == []


def test_a_repeated_delivery_writes_the_avatar_again(function: ThumbnailFunction) -> None:
    """If the bucket's own notification failed, the repeated write sends it again."""
    function.upload(encoded(solid_image()))

    function.notify(upload_record())
    function.notify(upload_record())

    assert function.calls("PUT") == [Call("PUT", AVATARS, avatar_key(ADA))] * 2


def test_an_upload_declared_too_large_is_not_read(function: ThumbnailFunction) -> None:
    """If Content-Length is above the limit, the upload is rejected and its body is not read."""
    reads = []
    headers = {"Content-Length": str(LIMIT + 1), "ETag": '"x"'}

    def large_object(request: Any) -> Any:
        result = response(request, 200, headers, b"")
        result.raw.read = reads.append
        return result

    function.upload(encoded(solid_image()))
    function.s3.faults = [large_object]
    function.notify(upload_record())

    assert (function.log_events, function.log_reasons) == (["rejected"], ["too many bytes"])
    assert reads == []


def test_an_undeclared_large_upload_is_read_up_to_the_limit(function: ThumbnailFunction) -> None:
    """One byte more than the limit is read, whatever Content-Length says."""
    read_sizes = []
    headers = {"Content-Length": "10", "ETag": '"x"'}

    def endless_object(request: Any) -> Any:
        result = response(request, 200, headers, b"")
        result.raw.read = lambda size: read_sizes.append(size) or bytes(size)
        return result

    function.upload(encoded(solid_image()))
    function.s3.faults = [endless_object]
    function.notify(upload_record())

    assert (function.log_events, function.log_reasons) == (["rejected"], ["too many bytes"])
    assert read_sizes == [LIMIT + 1]


def test_an_upload_above_the_limit_is_rejected(function: ThumbnailFunction) -> None:
    """An upload of one byte more than the limit is rejected."""
    assert_rejected(function, encoded(solid_image()).ljust(LIMIT + 1, b"\0"), "too many bytes")


def test_an_upload_at_the_limit_is_converted(function: ThumbnailFunction) -> None:
    """An upload with exactly the limit is converted."""
    assert_converted(function, encoded(solid_image()).ljust(LIMIT, b"\0"), RED)


@pytest.mark.parametrize(
    "name", ["ObjectCreated:Put", "ObjectCreated:Post", "ObjectCreated:CompleteMultipartUpload"]
)
def test_every_kind_of_upload_creates_an_avatar(function: ThumbnailFunction, name: str) -> None:
    """Each way to upload an object, which has an event name of its own, works (defect 70)."""
    function.upload(encoded(solid_image()))

    function.notify(upload_record(event_name=name))

    assert function.log_events == ["created"]


@pytest.mark.parametrize("file", [pictures.jpeg_with_metadata, pictures.png_with_metadata])
def test_the_log_has_no_personal_data(
    function: ThumbnailFunction, file: Callable[[], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """The log has an avatar id and numbers, and nothing from the file, at any log level."""
    caplog.set_level(logging.DEBUG)
    function.upload(file())

    function.notify(upload_record())

    assert [line.keys() for line in function.log_lines] == [{"event", "avatar", "bytes"}]
    assert [record for record in caplog.records if record.levelno < logging.INFO] == []


@pytest.mark.parametrize(
    "broken", ["thumbnail.png.split", "thumbnail.colours.flat", "thumbnail.exif.orientation"]
)
def test_bugs_do_not_reject_pictures(
    function: ThumbnailFunction, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """An error of the function's own code is raised, so the dead-letter queue keeps the event."""
    function.upload(encoded(solid_image()))

    def raise_error(*_: Any) -> None:
        raise TypeError("a bug")

    monkeypatch.setattr(broken, raise_error)

    (failure,) = function.notify_failing(upload_record())

    assert (type(failure).__name__, function.log_events) == ("TypeError", ["failed"])
