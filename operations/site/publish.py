"""Carries out a plan: first what nobody asks for yet, the index last, then what is not needed.

It can stop anywhere. The record is written at the very end, so the next run sends what is left,
and has CloudFront forget what this one changed.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from operations.site import plan as plans
from operations.site.bucket import Bucket, side_by_side
from operations.site.files import Folder
from operations.site.plan import Found, Plan


@dataclass(frozen=True)
class Distribution:
    """What serves the bucket, and keeps copies of what is in it."""

    client: Any
    id: str

    def forget(self, paths: tuple[str, ...]) -> str:
        """Start one invalidation of *paths* and return its id; nobody waits for its end.

        It has a name of its own: to repeat that of an earlier one would do nothing.
        """
        answer = self.client.create_invalidation(
            DistributionId=self.id,
            InvalidationBatch={
                "Paths": {"Quantity": len(paths), "Items": list(paths)},
                "CallerReference": uuid.uuid4().hex,
            },
        )
        return str(answer["Invalidation"]["Id"])


def publish(
    plan: Plan, folder: Folder, found: Found, *, bucket: Bucket, distribution: Distribution
) -> Iterator[str]:
    """Do it, and say what was done."""
    from deployer.report.text import counted

    etags: dict[str, str] = {}

    def send(key: str) -> tuple[str, str]:
        return key, bucket.put(key, folder.read(key), folder.files[key])

    for keys in plan.stages():
        etags.update(side_by_side(send, keys))
        yield f"sent {keys[0] if len(keys) == 1 else counted(len(keys), 'file')}"
    if plan.delete:
        bucket.delete(plan.delete)
        yield f"deleted {counted(len(plan.delete), 'file')}"
    if plan.paths:
        id_ = distribution.forget(plan.paths)
        yield f"invalidated {counted(len(plan.paths), 'path')}: {id_}"
    record = plans.recorded(plan, folder.files, found, etags)
    # The same record again vouches for what was touched after it: else that is asked about and
    # forgotten in every run.
    if record != found.record or record.files.keys() - found.vouched:
        bucket.remember(record)
