"""Name the holds on a new account that only AWS Support can lift.

No call reports them. A resource of the type in the account shows that there is no hold.
"""

from __future__ import annotations

from collections.abc import Iterator

from operations.preflight.checks import Finding, Planned

DISTRIBUTION = "AWS::CloudFront::Distribution"
LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
PROJECT = "AWS::CodeBuild::Project"
CLOUDFRONT_REGION = "us-east-1"


def holds(planned: Planned) -> Iterator[Finding]:
    """Find the planned types of which the account has no resource yet, and that AWS may hold back."""
    unproven = [
        name
        for name, type_, exists in (
            ("CloudFront", DISTRIBUTION, _has_distribution),
            ("CodeBuild", PROJECT, _has_build),
            ("Elastic Load Balancing", LOAD_BALANCER, _has_load_balancer),
        )
        if planned.of(type_) and not exists(planned)
    ]
    if unproven:
        yield Finding(
            "unknown",
            f"whether AWS holds back {', '.join(unproven)} in a new account: no call reports it",
            'if a deploy fails with "Your account must be verified" or "Cannot have more than 0'
            ' builds in queue", open a case at AWS Support: only AWS Support can lift it',
        )


def _has_distribution(planned: Planned) -> bool:
    client = planned.target.account.client("cloudfront", CLOUDFRONT_REGION)
    pages = client.get_paginator("list_distributions").paginate()
    return any(page["DistributionList"].get("Items") for page in pages)


def _has_build(planned: Planned) -> bool:
    pages = planned.target.client("codebuild").get_paginator("list_builds").paginate()
    return any(page.get("ids") for page in pages)


def _has_load_balancer(planned: Planned) -> bool:
    pages = planned.target.client("elbv2").get_paginator("describe_load_balancers").paginate()
    return any(page["LoadBalancers"] for page in pages)
