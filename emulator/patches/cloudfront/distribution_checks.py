"""Refuse a distribution that refers to missing resources or has invalid aliases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulator.ministack import context, lookup, services
from emulator.ministack.cloudformation import Created, Props, ResourceType
from emulator.patches.cloudfront.distributions import GLOBAL_REGION, aliases
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "A distribution refers only to existing policies, functions and origins, and to aliases "
        "that its certificate covers and no other distribution has.",
        source="API reference of CreateDistribution, Errors; the messages for functions are not "
        "verified",
        ministack="Accepted.",
        test="test_invalid_distribution",
    ),
)
UPSTREAM = True

_DISTRIBUTION = ResourceType("AWS::CloudFront::Distribution")

_live_code: Any = lookup.attribute(services.cloudfront, "live_function_code")
# For each policy property: the kind of policy, and the stores of custom and managed policies.
_POLICIES: dict[str, tuple[str, tuple[Any, Any]]] = {
    f"{prefix}PolicyId": (
        kind,
        (
            lookup.attribute(services.cloudfront, f"_{kind.replace(' ', '_')}_policies"),
            lookup.attribute(
                services.cloudfront, f"_MANAGED_{kind.replace(' ', '_').upper()}_POLICIES"
            ),
        ),
    )
    for prefix, kind in (
        ("Cache", "cache"),
        ("OriginRequest", "origin request"),
        ("ResponseHeaders", "response headers"),
    )
}


def install() -> None:
    """Install the patch."""
    _DISTRIBUTION.create.before(_before_create)
    _DISTRIBUTION.update.before(_before_update)


def _before_create(_title: str, props: Props, _stack: str) -> Created | None:
    _check(props, "")
    return None


def _before_update(distribution_id: str, _old: Props, new: Props, *_rest: Any) -> Created | None:
    _check(new, distribution_id)
    return None


def _check(props: Props, distribution_id: str) -> None:
    config = props["DistributionConfig"]
    for error in (
        *_behavior_errors(config),
        *_origin_errors(config),
        *_alias_errors(config),
        *_duplicate_errors(config, distribution_id),
    ):
        raise ValueError(f"{error} (Service: CloudFront)")


def _behavior_errors(config: Props) -> Iterator[str]:
    origins = {origin["Id"] for origin in config.get("Origins", [])}
    groups = (config.get("OriginGroups") or {}).get("Items") or []
    targets = origins | {group["Id"] for group in groups}
    for behavior in (config["DefaultCacheBehavior"], *config.get("CacheBehaviors", [])):
        if behavior["TargetOriginId"] not in targets:
            yield "The specified origin does not exist for this cache behavior."
        for key, (kind, stores) in _POLICIES.items():
            policy = behavior.get(key)
            if policy and not any(policy in store for store in stores):
                yield f"The specified {kind} policy does not exist."
        for association in behavior.get("FunctionAssociations", []):
            arn = association["FunctionARN"]
            if _live_code(arn) is None:
                yield f"The function {arn} does not exist or is not published."


def _origin_errors(config: Props) -> Iterator[str]:
    for origin in config.get("Origins", []):
        control = origin.get("OriginAccessControlId")
        if control and control not in services.origin_access_controls:
            yield "The specified origin access control does not exist."


def _alias_errors(config: Props) -> Iterator[str]:
    domains = config.get("Aliases", [])
    arn = (config.get("ViewerCertificate") or {}).get("AcmCertificateArn")
    if domains and not arn:
        yield (
            "To add an alternate domain name (CNAME) to a CloudFront distribution, you must attach "
            "a trusted certificate that validates your authorization to use the domain name."
        )
        return
    with context.scope(context.account(), GLOBAL_REGION):
        certificate = services.certificates.get(arn)
    if arn and certificate is None:
        yield (
            "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't valid, "
            "or doesn't include a valid certificate chain."
        )
    elif certificate:
        covered = {certificate["DomainName"], *certificate.get("SubjectAlternativeNames", [])}
        for name in domains:
            if not {name, "*." + name.partition(".")[2]} & covered:
                yield (
                    "The certificate that is attached to your distribution doesn't cover the "
                    f"alternate domain name (CNAME) that you're trying to add: {name}"
                )


def _duplicate_errors(config: Props, distribution_id: str) -> Iterator[str]:
    domains = {name.lower() for name in config.get("Aliases", [])}
    for _, other in context.items_of_all_accounts(services.distributions):
        if other["Id"] != distribution_id and domains & set(aliases(other)):
            yield (
                "One or more of the CNAMEs you provided are already associated with a different "
                "resource."
            )
