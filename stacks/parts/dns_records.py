"""Route 53 records of load balancers and distributions."""

from __future__ import annotations

from collections.abc import Sequence

from troposphere import route53
from troposphere.validators.route53 import AliasTarget

from deployer.model import Env, Template, Value


def alias_records(
    t: Template,
    title: str,
    *,
    env: Env,
    host: str,
    target: Value,
    hosted_zone: Value,
    types: Sequence[str] = ("A", "AAAA"),
) -> None:
    """Add alias records that point *host* to *target*, a domain name in AWS's own *hosted_zone*."""
    for record_type in types:
        t.add_resource(
            route53.RecordSetType(
                f"{title}Record{record_type}",
                HostedZoneId=env.hosted_zone,
                Name=host,
                Type=record_type,
                AliasTarget=AliasTarget(  # type: ignore[no-untyped-call]  # no annotations there
                    DNSName=target, HostedZoneId=hosted_zone, EvaluateTargetHealth=False
                ),
            )
        )
