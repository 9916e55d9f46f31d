"""Rules for ECR repositories."""

from __future__ import annotations

from collections.abc import Iterator

from deployer.policy.model import Resource, Templates, Violation, for_each_resource
from deployer.policy.values import as_list, get, is_true

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


def scanned(templates: Templates) -> Iterator[Violation]:
    """A repository scans pushed images, or the registry scans those of all repositories."""
    registries = templates.of_type("ECR::RegistryScanningConfiguration")
    if any(map(_scans_all, registries)):
        return
    for repository in templates.of_type("ECR::Repository"):
        if not is_true(repository.get("ImageScanningConfiguration", "ScanOnPush")):
            yield repository.violation("does not scan pushed images: no ScanOnPush")


def _scans_all(registry: Resource) -> bool:
    return any(
        get(rule, "ScanFrequency") in ("SCAN_ON_PUSH", "CONTINUOUS_SCAN")
        and any(
            get(filter_, "Filter") == "*" for filter_ in as_list(get(rule, "RepositoryFilters"))
        )
        for rule in as_list(registry.get("Rules"))
    )
