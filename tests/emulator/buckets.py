"""A template with a bucket, for tests of S3."""

from __future__ import annotations

from typing import Any

from tests.emulator.templates import ref, resource, template


def bucket(**more: Any) -> dict[str, Any]:
    """Return a template of a bucket in the account-regional namespace."""
    name = {"BucketNamespace": "account-regional", "BucketNamePrefix": "artifacts"}
    body = template(Bucket=resource("AWS::S3::Bucket", **name | more))
    return body | {"Outputs": {"Name": {"Value": ref("Bucket")}}}
