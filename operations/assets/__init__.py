"""Publish the shared images of all pages: the default avatar and the banner.

CloudFormation creates the bucket, but cannot upload objects to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deployer.aws.account import Account

FOLDER = Path(__file__).parent
STACK, OUTPUT = "assets", "PictureBucket"
BANNER = "banners/banner.jpg"  # Its object key, and its path below https://assets.DOMAIN/.
# One minute: until an upload is processed, the default avatar is served in its place.
CACHE_CONTROL = "public, max-age=60"


def publish(account: Account, region: str, bucket: str) -> Iterator[str]:
    """Upload each image that differs from the one in *bucket*, and yield its URL."""
    owner = account.identity().account
    client: Any = account.client("s3", region)
    for file in sorted(FOLDER.rglob("*.jpg")):
        key, body = file.relative_to(FOLDER).as_posix(), file.read_bytes()
        digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
        if _stored_md5(client, bucket, key, owner) == digest:
            continue
        client.put_object(
            Bucket=bucket,
            Key=key,
            Body=body,
            ContentType="image/jpeg",
            CacheControl=CACHE_CONTROL,
            ExpectedBucketOwner=owner,
        )
        yield f"s3://{bucket}/{key}"


def _stored_md5(client: Any, bucket: str, key: str, owner: str) -> str:
    """Return the MD5 of the object, or "" if it does not exist.

    For an object that was not uploaded in parts, the ETag is the MD5.
    """
    response = client.list_objects_v2(Bucket=bucket, Prefix=key, ExpectedBucketOwner=owner)
    etags = {object_["Key"]: object_["ETag"].strip('"') for object_ in response.get("Contents", [])}
    return str(etags.get(key, ""))
