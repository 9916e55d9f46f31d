"""The shared images are uploaded if they differ."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace

from operations import assets
from tests.operations.fake_account import REGION, Account, Client

KEYS = ["banners/banner.jpg", "defaults/avatar.jpg"]


class IdentifiedAccount(Account):
    """An account with the id 1."""

    def identity(self) -> SimpleNamespace:
        return SimpleNamespace(account="1")


def stored(key: str) -> dict[str, object]:
    """Return an answer of ListObjectsV2 with the image *key*."""
    md5 = hashlib.md5((assets.FOLDER / key).read_bytes(), usedforsecurity=False).hexdigest()
    return {"Contents": [{"Key": key, "ETag": f'"{md5}"'}]}


def test_only_changed_images_are_uploaded() -> None:
    """An image with the same MD5 as its file is kept."""
    client = Client(list_objects_v2=[{}, stored(KEYS[1])], put_object={})

    urls = list(assets.publish(IdentifiedAccount({}, {"s3": client}), REGION, "bucket"))

    [put] = [arguments for operation, arguments in client.calls if operation == "put_object"]
    assert urls == [f"s3://bucket/{KEYS[0]}"]
    assert (put["Key"], put["ContentType"]) == (KEYS[0], "image/jpeg")
    assert put["ExpectedBucketOwner"] == "1"
