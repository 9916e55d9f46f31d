"""The pictures that every page shares: who has no avatar yet, and the banner.

CloudFormation makes the bucket of the assets layer; what is in it is published from here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection
from invoke.context import Context

from commands.framework import terminal
from commands.framework.task import task
from operations import target

if TYPE_CHECKING:
    from deployer.aws.account import Account

FOLDER = Path(__file__).parent
LAYER, OUTPUT = "assets", "Pictures"
# No longer: the answer for a missing avatar is this picture, and the real one shall follow soon.
CACHE_CONTROL = "public, max-age=60"


@task()
def publish(_: Context, env: str = "") -> None:
    """Put the default avatar and the banner where pages look for them; what is there is kept."""
    here = target.connect(env)
    for url in put(here.account, here.env.region, here.output(LAYER, OUTPUT)):
        terminal.show(f"published {url}")


def put(account: Account, region: str, bucket: str) -> Iterator[str]:
    """Upload each picture that differs into the *bucket* of the assets stack; the URLs of those."""
    owner = account.identity().account
    client: Any = account.client("s3", region)
    for file in sorted(FOLDER.rglob("*.jpg")):
        key, body = file.relative_to(FOLDER).as_posix(), file.read_bytes()
        digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
        if _there(client, bucket, key, owner) == digest:
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


def _there(client: Any, bucket: str, key: str, owner: str) -> str:
    """The MD5 of the object, which is its ETag unless it was sent in parts; empty if there is none."""
    listed = client.list_objects_v2(Bucket=bucket, Prefix=key, ExpectedBucketOwner=owner)
    found = {each["Key"]: each["ETag"].strip('"') for each in listed.get("Contents", [])}
    return str(found.get(key, ""))


namespace = Collection(publish)
