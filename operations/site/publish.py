"""Carry out a plan: upload new files first and the index last, then delete unused files.

The publication may be interrupted at any time. The record is written last, so that the next run
uploads the rest and invalidates what this run changed.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from operations.site.bucket import Bucket, map_concurrently
from operations.site.files import Folder
from operations.site.plan import Plan, PublishedSite, new_record


@dataclass(frozen=True)
class Distribution:
    """The CloudFront distribution that serves and caches the files of the bucket."""

    client: Any
    id: str

    def invalidate(self, paths: tuple[str, ...]) -> str:
        """Start an invalidation of *paths* and return its id, without waiting for its end.

        The caller reference is unique: CloudFront ignores a request with a repeated one.
        """
        response = self.client.create_invalidation(
            DistributionId=self.id,
            InvalidationBatch={
                "Paths": {"Quantity": len(paths), "Items": list(paths)},
                "CallerReference": uuid.uuid4().hex,
            },
        )
        return str(response["Invalidation"]["Id"])


def publish(
    plan: Plan,
    folder: Folder,
    published: PublishedSite,
    *,
    bucket: Bucket,
    distribution: Distribution,
) -> Iterator[str]:
    """Carry out *plan*, and yield a line to print for each step."""
    from deployer.report.text import pluralize

    etags: dict[str, str] = {}

    def upload(key: str) -> tuple[str, str]:
        return key, bucket.put(key, folder.read(key), folder.files[key])

    for keys in plan.stages():
        etags.update(map_concurrently(upload, keys))
        yield f"uploaded {keys[0] if len(keys) == 1 else pluralize(len(keys), 'file')}"
    if plan.delete:
        bucket.delete(plan.delete)
        yield f"deleted {pluralize(len(plan.delete), 'file')}"
    if plan.paths:
        invalidation_id = distribution.invalidate(plan.paths)
        yield f"invalidated {pluralize(len(plan.paths), 'path')}: {invalidation_id}"
    record = new_record(plan, folder.files, published, etags)
    # A record is written again, even with equal content, if files were stored after the old one.
    # Otherwise each run would read and invalidate these files again.
    if record != published.record or record.files.keys() - published.verified:
        bucket.write_record(record)
