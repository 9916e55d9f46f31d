"""Store the objects that CloudFormation reads in the artifact bucket, and verify them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import partial

from deployer.artifacts import RELEASES
from deployer.aws.cloud import StoredObject
from deployer.errors import CloudError
from deployer.events import Uploaded, Verified
from deployer.jobs import Work
from deployer.model.desired import DesiredStack
from deployer.run import Run


def store_objects(desired: DesiredStack, run: Run) -> Work[tuple[StoredObject, ...]]:
    """Make sure that the bucket has all objects of a stack; return them, the template last."""
    stored = []
    for key, read in _objects(desired, run):
        stored.append((yield from _store(desired, key, read, run)))
    return tuple(stored)


def is_unchanged(verified: StoredObject, run: Run) -> bool:
    """Return whether the bucket still has exactly this version of an object."""
    return run.cloud.stored_object(verified.region, verified.bucket, verified.key) == verified


def _objects(desired: DesiredStack, run: Run) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield the key of each object, with a function that returns its content."""
    for artifact in desired.artifacts:
        yield desired.key(artifact), partial(run.read_artifact, artifact)
    for nested in desired.nested:
        yield nested.key, nested.text.encode
    if desired.too_long:
        prefix = RELEASES if run.role else ""
        yield f"{prefix}templates/{desired.name}/{desired.digest}.yaml", desired.text.encode


def _store(
    desired: DesiredStack, key: str, read: Callable[[], bytes], run: Run
) -> Work[StoredObject]:
    """Make sure that the object *key* of the bucket has the content that *read* returns.

    The key contains the digest of the content, but any role that may write to the bucket can store
    other content under the key, so the checksum of the object is compared, too.
    """
    bucket = desired.artifact_bucket
    if bucket is None:
        raise AssertionError(f"{desired.name}: synth requires an artifact bucket for {key}")
    producer = run.stacks.get(bucket.region, bucket.stack)
    if producer is None or bucket.output not in producer.outputs:
        raise CloudError(
            f"{desired.name}: {key} must be uploaded to the bucket of {bucket.stack}, "
            "which is not deployed",
            hint="deploy that first, or omit --only",
        )
    location = bucket.region, producer.outputs[bucket.output], key
    content, existing = read(), run.cloud.stored_object(*location)
    if existing and existing.sha256 == hashlib.sha256(content).hexdigest():
        yield Verified(desired.name, existing.url, existing.version)
        return existing
    uploaded = run.cloud.upload(*location, content, replace=not run.role)
    reason = _reason_to_replace(existing)
    yield Uploaded(desired.name, uploaded.url, uploaded.version, replaced=reason)
    return uploaded


def _reason_to_replace(existing: StoredObject | None) -> str:
    """Return why an object was replaced; empty if there was none."""
    if existing is None:
        return ""
    return "it had other content" if existing.sha256 else "it had no SHA-256 checksum"
