"""Rules for ECR repositories."""

from __future__ import annotations

from deployer.policy.model import for_each_resource
from deployer.policy.values import is_true

scanned = for_each_resource(
    "ECR::Repository",
    is_valid=lambda repository: is_true(repository.get("ImageScanningConfiguration", "ScanOnPush")),
    message="does not scan pushed images: no ScanOnPush",
)
immutable = for_each_resource(
    "ECR::Repository",
    is_valid=lambda repository: repository.get("ImageTagMutability") == "IMMUTABLE",
    message="has mutable tags: ImageTagMutability is not IMMUTABLE",
)
expiring = for_each_resource(
    "ECR::Repository",
    is_valid=lambda repository: bool(repository.get("LifecyclePolicy", "LifecyclePolicyText")),
    message="keeps all images forever: no LifecyclePolicyText",
)
