"""Repositories of images."""

from __future__ import annotations

from deployer.policy.model import each
from deployer.policy.values import true

scanned = each(
    "ECR::Repository",
    ok=lambda one: true(one.get("ImageScanningConfiguration", "ScanOnPush")),
    message="does not scan what is pushed",
)
immutable = each(
    "ECR::Repository",
    ok=lambda one: one.get("ImageTagMutability") == "IMMUTABLE",
    message="lets a tag become another image",
)
expiring = each(
    "ECR::Repository",
    ok=lambda one: bool(one.get("LifecyclePolicy", "LifecyclePolicyText")),
    message="keeps every image for ever",
)
