"""Check that CloudFormation has the planned resource types in their regions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from operations.preflight.checks import Finding, Planned

# ListTypes returns the types of one value, by default FULLY_MUTABLE (API reference, ListTypes).
# Types without handlers, which CloudFormation itself implements, are NON_PROVISIONABLE.
PROVISIONING_TYPES = ("FULLY_MUTABLE", "IMMUTABLE", "NON_PROVISIONABLE")


def resource_types(planned: Planned) -> Iterator[Finding]:
    """Find types of AWS that the registry of a region does not have."""
    needed: dict[str, set[str]] = defaultdict(set)
    for resource in planned.resources:
        needed[resource.region].add(resource.type)
    for region, types in sorted(needed.items()):
        if missing := sorted(types.difference(_available(planned, region))):
            yield Finding(
                "manual",
                f"{region} has no {', '.join(missing)}",
                "choose another region in [env]",
            )


def _available(planned: Planned, region: str) -> Iterator[str]:
    client = planned.target.account.client("cloudformation", region)
    for provisioning_type in PROVISIONING_TYPES:
        pages = client.get_paginator("list_types").paginate(
            Visibility="PUBLIC",
            Type="RESOURCE",
            ProvisioningType=provisioning_type,
            Filters={"Category": "AWS_TYPES"},
        )
        for page in pages:
            for summary in page["TypeSummaries"]:
                yield summary["TypeName"]
