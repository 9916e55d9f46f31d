"""The requests to S3, with an S3 in memory and with the emulator."""

from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from shared.avatars import avatar_key, upload_key
from tests.emulator_server import Aws
from tests.lambdas.thumbnail.fake_s3 import Call
from tests.lambdas.thumbnail.pictures import encoded, open_avatar, solid_image
from tests.lambdas.thumbnail.thumbnail_function import (
    ADA,
    AVATARS,
    BOB,
    LIMIT,
    UPLOADS,
    ThumbnailFunction,
    upload_record,
)
from thumbnail import handler, store

pytestmark = pytest.mark.thorough


def test_requests_and_headers_of_an_avatar(function: ThumbnailFunction) -> None:
    """The avatar is a JPEG that caches keep for five minutes."""
    function.upload(encoded(solid_image()))

    function.notify(upload_record())

    avatar = function.avatar()
    assert avatar is not None
    assert avatar.headers == {
        "Content-Type": "image/jpeg",
        "Cache-Control": "public, max-age=300",
    }
    assert function.s3.calls == [
        Call("GET", UPLOADS, upload_key(ADA)),
        Call("PUT", AVATARS, avatar_key(ADA)),
        Call("HEAD", UPLOADS, upload_key(ADA)),
    ]


def test_a_bucket_of_another_account_is_not_used(function: ThumbnailFunction) -> None:
    """The owner of a bucket is checked, not only its name."""
    function.upload(encoded(solid_image()))
    function.s3.owner = "999999999999"

    (failure,) = function.notify_failing(upload_record())

    assert "AccessDenied" in str(failure)


def test_timeouts_fit_into_the_timeout_of_the_function(function: ThumbnailFunction) -> None:
    """A request has four attempts of at most seven seconds each."""
    config = store._s3().meta.config

    assert (config.connect_timeout, config.read_timeout) == (2, 5)
    assert config.retries["total_max_attempts"] == 4


def test_the_emulator_behaves_like_the_fake_s3(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """An avatar is created, a missing upload is not an error, and another owner is refused."""
    s3, account = aws.client("s3"), aws.endpoint.account
    uploads, avatars = f"up-{account}", f"av-{account}"
    for bucket in (uploads, avatars):
        location = {"LocationConstraint": "ca-central-1"}
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=location)
    s3.put_object(Bucket=uploads, Key=upload_key(ADA), Body=encoded(solid_image()))
    monkeypatch.setattr(store, "_s3", lambda: s3)

    buckets = store.Store(account, uploads, avatars, LIMIT)
    handler._create(ADA, buckets)
    handler._create(BOB, buckets)  # Without an upload.

    avatar = s3.get_object(Bucket=avatars, Key=avatar_key(ADA))
    open_avatar(avatar["Body"].read())
    assert (avatar["ContentType"], avatar["CacheControl"]) == ("image/jpeg", "public, max-age=300")
    with pytest.raises(ClientError, match=r"AccessDenied|Forbidden|403"):
        replace(buckets, account="999999999999").upload(ADA)
