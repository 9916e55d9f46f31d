"""Check that CloudFormation has the planned resource types in their regions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from operations.preflight.checks import Finding, Planned


def resource_types(planned: Planned) -> Iterator[Finding]:
    """Find types of AWS that the registry of a region does not have."""
    needed: dict[str, set[str]] = defaultdict(set)
    for resource in planned.resources:
        needed[resource.region].add(resource.type)
    for region, types in sorted(needed.items()):
        pages = (
            planned.target.account.client("cloudformation", region)
            .get_paginator("list_types")
            .paginate(Visibility="PUBLIC", Type="RESOURCE", Filters={"Category": "AWS_TYPES"})
        )
        known = {summary["TypeName"] for page in pages for summary in page["TypeSummaries"]}
        if missing := sorted(types - known):
            yield Finding(
                "manual",
                f"{region} has no {', '.join(missing)}",
                "choose another region in [env]",
            )
