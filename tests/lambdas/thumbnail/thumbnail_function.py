"""The thumbnail function with an S3 in memory, and assertions about one upload.

function.upload(file)
function.notify(upload_record())

assert function.avatar() is not None
assert function.log_events == ["created"]
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote_plus

import pytest

from shared.avatars import avatar_id, avatar_key, upload_key
from tests.lambdas.thumbnail.fake_s3 import Call, FakeS3, Object
from tests.lambdas.thumbnail.pictures import is_close, open_avatar
from thumbnail import handler, store
from thumbnail.picture import SIDE

ACCOUNT, UPLOADS, AVATARS = "111122223333", "the-uploads", "the-avatars"
LIMIT = 5_000_000  # Bytes of an upload.
ADA, BOB = avatar_id("ada"), avatar_id("bob")
CONTEXT = SimpleNamespace(
    invoked_function_arn=f"arn:aws:lambda:ca-central-1:{ACCOUNT}:function:thumbnail"
)


@dataclass
class ThumbnailFunction:
    """The function, its buckets, and the log lines of its last invocation."""

    s3: FakeS3
    capsys: pytest.CaptureFixture[str]
    log_lines: list[dict[str, Any]] = field(default_factory=list)

    def upload(self, content: bytes, avatar: str = ADA) -> None:
        """Put *content* into the uploads bucket, without a notification."""
        self.s3.objects[UPLOADS, upload_key(avatar)] = Object(content)

    def notify(self, *records: dict[str, Any]) -> None:
        """Invoke the function with *records*. Its log lines are kept even if it raises."""
        self.capsys.readouterr()
        try:
            handler.handler({"Records": list(records)}, CONTEXT)
        finally:
            output = self.capsys.readouterr().out
            self.log_lines = [json.loads(line) for line in output.splitlines()]

    def notify_failing(self, *records: dict[str, Any]) -> list[Exception]:
        """Invoke the function, which must raise so that Lambda retries; return the errors."""
        with pytest.raises(ExceptionGroup, match="avatars not created") as raised:
            self.notify(*records)
        return list(raised.value.exceptions)

    def avatar(self, avatar: str = ADA) -> Object | None:
        """Return the published avatar."""
        return self.s3.objects.get((AVATARS, avatar_key(avatar)))

    def centre_colour(self) -> Any:
        """Return the colour at the centre of the published avatar."""
        avatar = self.avatar()
        assert avatar is not None
        return open_avatar(avatar.content).getpixel((SIDE // 2, SIDE // 2))

    @property
    def log_events(self) -> list[str]:
        return [line["event"] for line in self.log_lines]

    @property
    def log_reasons(self) -> list[str]:
        return [line["reason"] for line in self.log_lines]

    def calls(self, method: str) -> list[Call]:
        """Return the requests to S3 with the HTTP *method*."""
        return [call for call in self.s3.calls if call.method == method]


@pytest.fixture
def function(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[ThumbnailFunction]:
    """The function in its environment; retries of botocore do not wait."""
    variables = {
        "UPLOADS_BUCKET_NAME": UPLOADS,
        "AVATARS_BUCKET_NAME": AVATARS,
        "UPLOAD_LIMIT_BYTES": str(LIMIT),
        "AWS_DEFAULT_REGION": "ca-central-1",
        "AWS_ACCESS_KEY_ID": "unused",
        "AWS_SECRET_ACCESS_KEY": "unused",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    with FakeS3(ACCOUNT).serving(store._s3()) as s3:
        yield ThumbnailFunction(s3, capsys)


def upload_record(
    avatar: str = ADA,
    *,
    key: str | None = None,
    bucket: str = UPLOADS,
    event_name: str = "ObjectCreated:Put",
    event_source: str = "aws:s3",
) -> dict[str, Any]:
    """Return S3's record of the upload of *avatar*, or of an object with *key*, URL-encoded."""
    return {
        "eventSource": event_source,
        "eventName": event_name,
        "s3": {
            "bucket": {"name": bucket},
            "object": {
                "key": quote_plus(upload_key(avatar)) if key is None else key,
                "sequencer": "0",
            },
        },
    }


File = bytes | Callable[[], bytes]  # A function where creating the file takes time.


def content_of(file: File) -> bytes:
    return file if isinstance(file, bytes) else file()


def assert_converted(
    function: ThumbnailFunction, file: File, colour: tuple[int, ...] | None = None
) -> Object:
    """Upload *file*, and return the avatar that is created; *colour* is the one near its centre."""
    function.upload(content_of(file))

    function.notify(upload_record())

    avatar = function.avatar()
    assert function.log_events == ["created"]
    assert avatar is not None
    found = open_avatar(avatar.content).getpixel((SIDE // 2 - 8, SIDE // 2 - 8))
    assert colour is None or is_close(colour, found), found
    return avatar


def assert_rejected(function: ThumbnailFunction, file: File, reason: str) -> None:
    """Upload *file*, which must be rejected with *reason*, without a retry, and not deleted."""
    function.upload(content_of(file))

    function.notify(upload_record())

    assert (function.log_events, function.log_reasons) == (["rejected"], [reason])
    assert function.avatar() is None
    assert upload_key(ADA) in {key for _, key in function.s3.objects}
